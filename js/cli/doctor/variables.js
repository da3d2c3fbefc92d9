'use strict'

const { readEnvironment, unknownNames } = require('../../engine/environment.js')
const { printable } = require('../../engine/printable.js')
const { warningsAbout } = require('../../engine/unknown-variables.js')
const { loadAddon } = require('../client/addon.js')

/** Variables that servers have, and operators may lack. */
const OF_SERVERS = ['SHAZBOT_MASTER_LIST', 'SHAZBOT_MASTER_LIST_UPDATE', 'SHAZBOT_MASTER_LIST_UPDATE_AUTH']

const REMEDY = 'docs/configuration.md says which values are valid.'

/** Checks the variables as a start would. */
function checkVariables(findings) {
  const environment = readEnvironment()
  if (!OF_SERVERS.some((name) => environment[name] || environment[`${name}_FILE`])) {
    findings.skip(
      'The variables of a server are not set here.',
      'Run doctor where the server runs, with its variables, to check them.',
    )
    return
  }
  const addon = loadAddon()
  const missing = addon.missingVariables(environment)
  if (missing.length > 0) {
    findings.wrong(`Missing: ${missing.join(', ')}.`, 'Set them, or shazbotStart() rejects.')
    return
  }
  const [error, ...warnings] = addon.checkConfiguration(environment)
  if (error) findings.wrong(`${sentence(error)}`, `${REMEDY} shazbotStart() rejects this one.`)
  for (const warning of [...warnings, ...warningsAbout(unknownNames())])
    findings.warn(sentence(warning), REMEDY)
  if (findings.all.length === 0) findings.ok('All required variables are set, and all values are valid.')
}

function sentence(text) {
  const plain = printable(text.replace(/^Clustershazbot: /, ''))
  return `${plain[0].toUpperCase()}${plain.slice(1)}${/[.?!]$/.test(plain) ? '' : '.'}`
}

module.exports = { checkVariables }
