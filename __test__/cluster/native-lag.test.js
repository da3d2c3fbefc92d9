'use strict'

const { describe, test } = require('node:test')
const assert = require('node:assert/strict')
const { createMasterListStore } = require('../support/master-list-store')
const { createNativePeer } = require('../support/native')
const { runScript } = require('../support/script')
const { startSubject } = require('../support/subject')
const { startWorker } = require('../support/engine-worker')
const { aWhileAgo, entry, isOnline } = require('../support/entries')
const { eventually, withTimeout, throughout } = require('../support/eventually')

const QUIET = { SHAZBOT_GOSSIP_INTERVAL: '60' }

/** Counts the event-loop probes within 3 s, in a program that has faked all its timers. */
async function countProbes(t, env) {
  const program = async () => {
    const { createHook } = require('node:async_hooks')
    const { setTimeout: pause } = require('node:timers/promises')
    const waiting = pause(3_000)
    for (const name of ['setTimeout', 'setInterval', 'setImmediate'])
      globalThis[name] = () => ({ unref() {} })
    const native = new Set()
    let calls = 0
    const hook = createHook({
      init: (id, type) => type === 'napi_rs_threadsafe_function' && native.add(id),
      before: (id) => {
        if (native.has(id)) calls++
      },
    }).enable()
    await shazbot.shazbotStart()
    await waiting
    hook.disable()
    console.log(`calls: ${calls}`)
    await shazbot.shazbotShutDown()
  }
  const store = await createMasterListStore(t)
  const script = runScript(t, program, { store, env })
  const { code } = await withTimeout(script.exited, { within: 20_000, what: 'the end of the process' })
  assert.equal(code, 0, script.stderr)
  return Number(/calls: (\d+)/.exec(script.stdout)[1])
}

/** Asserts that a peer was contacted while an event loop was blocked, and received its lag. */
async function assertLagReported(peer, { began, ended }) {
  const timeOf = ({ at }) => performance.timeOrigin + at
  const during = peer.gossips.filter((gossip) => timeOf(gossip) > began && timeOf(gossip) < ended)
  const lags = during.map(({ json }) => json.v2?.lag ?? 0).filter((lag) => lag >= 1_000)
  assert.ok(lags.length >= 3, `it received ${lags}`)
  assert.ok(Math.max(...lags) >= 3_000, `it received ${lags}`)
  await eventually(() => timeOf(peer.gossips.at(-1)) > ended && !peer.gossips.at(-1).json.v2.lag, {
    what: 'a message without lag',
  })
}

describe('native: the lag of the event loop', { concurrency: 4 }, () => {
  test('the event loop is probed without JavaScript timers', async (t) => {
    const calls = await countProbes(t, {})
    assert.ok(calls >= 3 && calls <= 10, `${calls} calls in 3 s`)
  })

  test('the event loop is not probed with SHAZBOT_PROBE_INTERVAL=0', async (t) => {
    assert.equal(await countProbes(t, { SHAZBOT_PROBE_INTERVAL: '0' }), 0)
  })

  test('a blocked server tells its peers about its lag', async (t) => {
    const peer = await createNativePeer(t)
    const { app } = await startSubject(t, { servers: [peer.entry(aWhileAgo())], env: QUIET })
    await eventually(() => peer.gossips.length >= 2, { what: 'probes' })
    await assertLagReported(peer, await app.block(5_000))
  })

  test('a blocked worker does so too', async (t) => {
    const peer = await createNativePeer(t)
    const store = await createMasterListStore(t, { servers: [peer.entry(aWhileAgo())] })
    const env = { ...QUIET, SHAZBOT_BASE_URL: 'http://127.0.0.1:9/worker/' }
    const worker = startWorker(t, { store, env })
    await worker.call('shazbotStart')
    await eventually(() => peer.gossips.length >= 2, { what: 'probes' })
    const began = Date.now()
    await worker.call('block', 5_000)
    await assertLagReported(peer, { began, ended: Date.now() })
    await worker.call('shazbotShutDown')
  })

  test('a server that is blocked for 5 s is not declared offline by its peers', async (t) => {
    const { app: blocked, store } = await startSubject(t, { env: QUIET })
    store.write([entry(blocked.baseUrl, aWhileAgo())])
    const others = await Promise.all(
      [1, 2].map(async () => (await startSubject(t, { store, env: QUIET })).app),
    )
    const allSeeIt = async () =>
      (await Promise.all(others.map((app) => app.list()))).every((list) => isOnline(list, blocked.baseUrl))
    await eventually(allSeeIt, { what: 'the server is known' })
    const block = blocked.block(5_000)
    await throughout(allSeeIt, { lasting: 8_000, what: 'the blocked server is online' })
    await block
  })

  test('an engine that ends with a blocked event loop does not keep the process alive', async (t) => {
    const store = await createMasterListStore(t)
    const program = `await shazbot.shazbotStart()
      const ended = shazbot.shazbotShutDown()
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 2_500)
      await ended
      console.log('done')`
    const script = runScript(t, program, { store })
    const { code } = await withTimeout(script.exited, { within: 10_000, what: 'the end of the process' })
    assert.equal(code, 0, script.stderr)
    assert.ok(script.said('done'))
  })
})
