'use strict'

const assert = require('node:assert/strict')
const path = require('node:path')
const { before, describe, test } = require('node:test')
const { tsc } = require('../apps/support/build')
const { startProgram } = require('../apps/support/program')
const { aWhileAgo, entry } = require('../support/entries')
const { eventually, withTimeout } = require('../support/eventually')
const { request } = require('../support/http')
const { createMasterListStore } = require('../support/master-list-store')

const FOLDER = path.join(__dirname, '..', '..', 'examples', 'recipes')

const shown = async (program) => (await request(program.baseUrl)).json

/** Waits until a program shows exactly these others. */
const shows = (program, others) =>
  eventually(
    async () => {
      const urls = others.map(({ baseUrl }) => baseUrl).sort()
      return JSON.stringify((await shown(program)).peers.sort()) === JSON.stringify(urls)
    },
    { what: `${others.length} peers of ${program.baseUrl}` },
  )

describe('the example of events', () => {
  before(() => tsc('--project', FOLDER))

  test('follows servers that join, leave and die', async (t) => {
    const store = await createMasterListStore(t)
    const start = async () => {
      const program = await startProgram(t, ['dist/events.js'], { store, cwd: FOLDER })
      await program.listening()
      return program
    }
    const first = await start()
    store.write([entry(first.baseUrl, aWhileAgo())])
    const [second, third] = [await start(), await start()]
    await shows(first, [second, third])
    await shows(third, [first, second])
    assert.equal((await shown(first)).phase, 'running')
    await eventually(() => /the view has settled on [23] servers/.test(first.output))
    const left = await withTimeout(second.stop('SIGTERM'), { within: 60_000 })
    assert.equal(left.code, 0, second.output)
    await shows(first, [third])
    await third.kill()
    await shows(first, [])
    await eventually(() => first.output.includes(`${third.baseUrl} is down (`))
    assert.ok(!first.output.includes(`${second.baseUrl} is down`), 'a leave is no death')
    const end = await withTimeout(first.stop('SIGTERM'), { within: 60_000 })
    assert.equal(end.code, 0, first.output)
    assert.match(first.output, /phase: 'leaving'/)
  })
})
