'use strict'

const { readFileSync } = require('node:fs')
const { createSecureContext } = require('node:tls')
const { USAGE } = require('../output/exit-codes.js')
const { Failure } = require('../output/failure.js')

/** The variables with files for TLS, as the engine reads them, by the option of Node.js. */
const VARIABLES = { ca: 'SHAZBOT_TLS_CA', cert: 'SHAZBOT_TLS_CERT', key: 'SHAZBOT_TLS_KEY' }

/**
 * Returns the options for https: the client certificate and the authorities that the engine would
 * use. Throws if a file cannot be used.
 *
 * @param {Record<string, string | undefined>} [environment]
 */
function tlsOptions(environment = process.env) {
  const options = {}
  for (const [option, name] of Object.entries(VARIABLES))
    if (environment[name]) options[option] = readFile(environment[name], name)
  if (Boolean(options.cert) !== Boolean(options.key))
    throw new Failure(
      USAGE,
      'SHAZBOT_TLS_CERT and SHAZBOT_TLS_KEY need each other.',
      'Set both of them, or neither.',
    )
  try {
    createSecureContext(options)
  } catch (error) {
    const names = Object.entries(VARIABLES).filter(([option]) => options[option])
    const what = `A file of ${names.map(([, name]) => name).join(', ')} cannot be used: ${error.message}.`
    throw new Failure(USAGE, what, 'Name PEM files with a certificate, its private key, and authorities.')
  }
  return options
}

function readFile(path, name) {
  try {
    return readFileSync(path)
  } catch (error) {
    const what = `The file of ${name} cannot be read (${error.code}).`
    throw new Failure(USAGE, what, 'Check its path and its permissions.')
  }
}

module.exports = { tlsOptions }
