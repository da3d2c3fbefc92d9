'use strict'

const assert = require('node:assert/strict')
const path = require('node:path')
const { describe, test } = require('node:test')
const { APPS, buildApp } = require('../apps/support/build')
const { liveAsPair } = require('../apps/support/life-of-a-pair')
const { startProgram } = require('../apps/support/program')
const { isOnline } = require('../support/entries')
const { eventually, throughout } = require('../support/eventually')
const { createMasterListStore } = require('../support/master-list-store')

// Nest ends its process by the signal that it was sent, once its hooks are through.
const endsBySignal = (end, signal) => end.signal === signal

const VERSIONS = [
  { workspace: 'nest11', format: 'cjs' },
  { workspace: 'nest12', format: 'esm' },
]

describe('a Nest program as the TypeScript package had it taught runs unchanged', {
  concurrency: true,
}, () => {
  for (const { workspace, format } of VERSIONS) {
    describe(`${workspace}, ${format}`, { concurrency: true }, () => {
      const built = once(() =>
        buildApp({ source: path.join(APPS, 'nest'), workspace: path.join(APPS, workspace), format }),
      )
      const start = async (t, options) => startProgram(t, [path.join(await built(), 'main.js')], options)

      test('lives through its life', async (t) => {
        await liveAsPair(t, start, { unauthorized: 401, exits: endsBySignal })
      })

      test('is not buried while it has announced itself but does not listen yet', async (t) => {
        const store = await createMasterListStore(t)
        const first = await start(t, { store })
        await first.listening()
        store.write([{ baseUrl: first.baseUrl, monitor: false, lastUpdate: Date.now() }])

        const slow = await start(t, { store, env: { NEIGHBOUR_STARTS_WITHIN_MS: '7000' } })
        const firstSeesIt = async () => isOnline(await first.list(), slow.baseUrl)
        await eventually(firstSeesIt, { what: 'the announcement of the slow one' })
        assert.equal(await slow.list(), undefined, 'the slow one should not listen yet')
        await throughout(firstSeesIt, { lasting: 9000, what: 'the slow one being online at the first' })
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
