'use strict'

const assert = require('node:assert/strict')
const path = require('node:path')
const { before, describe, test } = require('node:test')
const { tsc } = require('../apps/support/build')
const { startProgram } = require('../apps/support/program')
const { eventually, withTimeout } = require('../support/eventually')
const { request } = require('../support/http')
const { createMasterListStore } = require('../support/master-list-store')
const { readMetrics } = require('../support/metrics')

const FOLDER = path.join(__dirname, '..', '..', 'examples', 'recipes')

describe('the examples of metrics', { concurrency: true }, () => {
  before(() => tsc('--project', FOLDER))

  const start = async (t, name) => {
    const store = await createMasterListStore(t)
    const program = await startProgram(t, [`dist/${name}.js`], { store, cwd: FOLDER })
    await program.listening()
    return program
  }

  test('a registry of prom-client has them beside those of the process', async (t) => {
    const program = await start(t, 'metrics')
    const read = async () => request(`${program.baseUrl}metrics`)
    await eventually(async () => readMetrics((await read()).text).of('phase{phase="running"}') === 1, {
      what: 'the metrics of the engine',
    })
    const { headers, text } = await read()
    assert.match(headers['content-type'], /^text\/plain; version=0\.0\.4/)
    assert.match(text, /^process_cpu_seconds_total /m)
    assert.equal((await request(`${program.baseUrl}nowhere`)).status, 404)
    const end = await withTimeout(program.stop('SIGTERM'), { within: 60_000 })
    assert.equal(end.code, 0, program.output)
  })

  test('an exporter of OpenTelemetry has them, up to the end', async (t) => {
    const program = await start(t, 'metrics-opentelemetry')
    const end = await withTimeout(program.stop('SIGTERM'), { within: 60_000 })
    assert.equal(end.code, 0, program.output)
    assert.match(program.output, /name: 'clustershazbot\.info'/)
  })
})
