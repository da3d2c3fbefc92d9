'use strict'

const assert = require('node:assert/strict')
const path = require('node:path')
const { describe, test } = require('node:test')
const { APPS, buildApp } = require('../apps/support/build')
const { runPairScenario } = require('../apps/support/pair-scenario')
const { startProgram } = require('../apps/support/program')
const { isOnline } = require('../support/entries')
const { eventually, throughout } = require('../support/eventually')
const { createMasterListStore } = require('../support/master-list-store')

// Nest ends its process with the received signal once its hooks are complete.
const endsBySignal = (end, signal) => end.signal === signal

const VERSIONS = [
  { workspace: 'nest11', format: 'cjs' },
  { workspace: 'nest12', format: 'esm' },
]

describe('a version 1 Nest program runs unchanged', {
  concurrency: true,
}, () => {
  for (const { workspace, format } of VERSIONS) {
    describe(`${workspace}, ${format}`, { concurrency: true }, () => {
      const built = once(() =>
        buildApp({ source: path.join(APPS, 'nest'), workspace: path.join(APPS, workspace), format }),
      )
      const start = async (t, options) => startProgram(t, [path.join(await built(), 'main.js')], options)

      test('runs through its life cycle', async (t) => {
        await runPairScenario(t, start, { unauthorized: 401, exits: endsBySignal })
      })

      test('is not declared dead between its announcement and its listening', async (t) => {
        const store = await createMasterListStore(t)
        const first = await start(t, { store })
        await first.listening()
        store.write([{ baseUrl: first.baseUrl, monitor: false, lastUpdate: Date.now() }])

        const slow = await start(t, { store, env: { PROVIDER_STARTS_WITHIN_MS: '7000' } })
        const firstSeesIt = async () => isOnline(await first.list(), slow.baseUrl)
        await eventually(firstSeesIt, { what: 'the announcement of the slow server' })
        assert.equal(await slow.list(), undefined, 'the slow server should not listen yet')
        await throughout(firstSeesIt, { lasting: 9000, what: 'the first server showing the slow one online' })
        await slow.listening()
      })
    })
  }
})

function once(make) {
  let made
  return () => {
    made ??= make()
    return made
  }
}
