'use strict'

const { describe, test } = require('node:test')
const assert = require('node:assert/strict')
const { execFile } = require('node:child_process')
const { promisify } = require('node:util')
const { SUBJECT } = require('../support/subject')
const { cleanEnvironment } = require('../support/environment')

const run = promisify(execFile)

// Prints how long the process lived after loading the module, and what kept it alive.
const LOAD = `
  require(${JSON.stringify(SUBJECT)})
  const loadedAt = performance.now()
  const holding = process.getActiveResourcesInfo()
  process.once('exit', () => console.log(JSON.stringify({ lived: performance.now() - loadedAt, holding })))
`

const IN_WORKER = `
  const { Worker } = require('node:worker_threads')
  const loadedAt = performance.now()
  new Worker(${JSON.stringify(`require(${JSON.stringify(SUBJECT)})`)}, { eval: true })
  process.once('exit', () => console.log(JSON.stringify({ lived: performance.now() - loadedAt, holding: [] })))
`

async function outcomeOf(program) {
  const { stdout } = await run(process.execPath, ['-e', program], {
    env: cleanEnvironment(),
    timeout: 60_000,
  })
  return JSON.parse(stdout)
}

describe('fixed in v2, 23: loading holds nothing', { concurrency: 8 }, () => {
  test('fixed in v2, 23: a process that only loads the module ends at once', async () => {
    const { lived, holding } = await outcomeOf(LOAD)
    assert.ok(!holding.includes('Timeout'), `${holding} keeps the process alive`)
    assert.ok(lived < 2_000, `the process lived for ${Math.round(lived)} ms more`)
  })

  test('fixed in v2, 23: a worker thread that only loads the module ends at once', async () => {
    const { lived } = await outcomeOf(IN_WORKER)
    assert.ok(lived < 2_500, `the worker lived for ${Math.round(lived)} ms`)
  })
})
