'use strict'

/**
 * Verifies the tests of fixed behaviour: each file in this directory must fail on the reference
 * peer, by assertions only. A test that passes there, or breaks otherwise, proves nothing.
 *
 * Usage: node __test__/fixed-in-v2/on-reference.js [NN…]
 */

const { readdirSync } = require('node:fs')
const path = require('node:path')
const { run } = require('node:test')
const { REFERENCE } = require('../support/subject')

const FILES_AT_ONCE = 8
const LONGEST_FILE = 300_000

const wanted = process.argv.slice(2)
const files = readdirSync(__dirname)
  .filter((name) => name.endsWith('.test.js'))
  .filter((name) => wanted.length === 0 || wanted.some((number) => name.startsWith(`${number}-`)))
  .map((name) => path.join(__dirname, name))

process.env.SHAZBOT_TEST_SUBJECT = REFERENCE

const results = new Map(files.map((file) => [file, { asserted: [], broken: [], passed: [] }]))

const isTest = ({ details }) => details.type !== 'suite'
const isOfSubtests = ({ details }) => details.error?.failureType === 'subtestsFailed'

function isAssertion(error) {
  for (let e = error; e; e = e.cause) {
    if (e.code === 'ERR_ASSERTION' || e.name === 'AssertionError')
      return error.failureType === 'testCodeFailure'
  }
  return false
}

function resultOf(event) {
  return results.get(event.file)
}

run({ files, concurrency: FILES_AT_ONCE, timeout: LONGEST_FILE })
  .on('test:pass', (event) => {
    if (isTest(event)) resultOf(event)?.passed.push(event.name)
  })
  .on('test:fail', (event) => {
    if (!isTest(event) || isOfSubtests(event)) return
    const { error } = event.details
    const kind = isAssertion(error) ? 'asserted' : 'broken'
    const result = resultOf(event) ?? results.get(path.resolve(event.name))
    result[kind].push({ name: event.name, error })
  })
  .on('end', report)
  .resume()

function report() {
  const verdicts = [...results].map(([file, { asserted, broken, passed }]) => {
    const isProof = asserted.length > 0 && broken.length === 0
    return {
      file: path.basename(file),
      fails: asserted.length,
      passes: passed.length,
      broken: broken.length,
      isProof,
    }
  })
  for (const [file, { asserted, broken, passed }] of results) {
    console.log(`\n${path.basename(file)}`)
    for (const { name, error } of asserted) console.log(`  fails   ${name}\n          ${firstLine(error)}`)
    for (const { name, error } of broken) console.log(`  BROKEN  ${name}\n          ${firstLine(error)}`)
    for (const name of passed) console.log(`  passes  ${name}`)
  }
  console.table(verdicts)
  const failed = verdicts.filter(({ isProof }) => !isProof)
  for (const { file } of failed)
    console.error(`${file} proves nothing: no assertion failed on the reference, or it broke`)
  process.exitCode = failed.length === 0 && verdicts.length > 0 ? 0 : 1
}

function firstLine(error) {
  const cause = error.cause ?? error
  return String(cause.message ?? cause).split('\n')[0]
}
