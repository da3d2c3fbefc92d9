'use strict'

/**
 * Mixed clusters of the package and of legacy peers (the reference). Each server has a process.
 *
 * A legacy peer forgets a death when an old claim arrives, so its view must match once; a native
 * view must match and stay so. With `SHAZBOT_TEST_SUBJECT=__test__/reference` everything runs on
 * legacy peers alone. The tests of lasting views and of pages then fail.
 */

const { describe, test } = require('node:test')
const assert = require('node:assert/strict')
const { startSubject, REFERENCE } = require('../support/subject')
const { spawnApp } = require('../support/app')
const { environment } = require('../support/environment')
const { createFakePeer } = require('../support/fake-peer')
const { freePort } = require('../support/ports')
const { entry, aWhileAgo, isOnline } = require('../support/entries')
const { eventually, throughout } = require('../support/eventually')
const {
  startMixedCluster,
  eachSees,
  allSeeEachOther,
  showsGone,
  showsOnline,
} = require('../support/mixed-cluster')

const PAGE = 64 * 1024

/**
 * How long a crash may stay undetected. A server that has not answered all others yet gets a grace
 * of 27 s, because it may not listen yet. A round of 1 s finds it, and each request takes a while.
 */
const CRASH_SEEN_WITHIN = 45_000

/**
 * How long a legacy peer may take to show a death once, as it forgets a death for each old claim.
 */
const SEEN_ONCE_WITHIN = 90_000

/** Asserts that each of these servers keeps showing matching lists. */
const allKeepSeeing = (apps, fits, { lasting, what }) =>
  throughout(async () => (await Promise.all(apps.map((app) => app.list()))).every(fits), {
    lasting,
    every: 200,
    what,
  })

async function assertGoneForGood({ natives, legacies }, baseUrl, within) {
  const what = `${baseUrl} is offline`
  await Promise.all([
    eachSees(legacies, showsGone(baseUrl), { within: SEEN_ONCE_WITHIN, what: `${what} for a legacy peer` }),
    eachSees(natives, showsGone(baseUrl), { within, what: `${what} for a native peer` }),
  ])
  await allKeepSeeing(natives, showsGone(baseUrl), { lasting: 6_000, what: `${what} for good` })
}

describe('interop: mixed clusters', { concurrency: 3 }, () => {
  test('interop: three native and three legacy servers find each other through the master list', async (t) => {
    const cluster = await startMixedCluster(t, { natives: 3, legacies: 3 })
    await allKeepSeeing(cluster.natives, ({ online }) => online.length === 6, {
      lasting: 6_000,
      what: 'six are online',
    })
  })

  test('interop: a native server that is killed disappears from all views, and from native ones for good', async (t) => {
    const cluster = await startMixedCluster(t, { natives: 3, legacies: 3 })
    const [victim] = cluster.natives
    await victim.kill()
    cluster.without(victim)
    await assertGoneForGood(cluster, victim.baseUrl, CRASH_SEEN_WITHIN)
  })

  test('interop: a legacy server that is killed disappears from all views, and from native ones for good', async (t) => {
    const cluster = await startMixedCluster(t, { natives: 3, legacies: 3 })
    const [victim] = cluster.legacies
    await victim.kill()
    cluster.without(victim)
    await assertGoneForGood(cluster, victim.baseUrl, CRASH_SEEN_WITHIN)
  })

  test('interop: old claims from legacy peers and from the master list resurrect no dead server', async (t) => {
    const cluster = await startMixedCluster(t, { natives: 2, legacies: 2 })
    const [, victim] = cluster.natives
    const old = entry(victim.baseUrl, Date.now())
    await victim.kill()
    cluster.without(victim)
    await eachSees(cluster.natives, showsGone(victim.baseUrl), {
      within: CRASH_SEEN_WITHIN,
      what: 'the killed server is offline',
    })

    const resurrected = cluster.legacies.map((legacy) => legacy.sendGossip({ online: [old] }))
    for (const answer of await Promise.all(resurrected)) {
      assert.ok(isOnline(answer, victim.baseUrl), 'the legacy peer has the known fault')
    }
    cluster.store.write([...cluster.store.servers, old])

    await allKeepSeeing(cluster.natives, showsGone(victim.baseUrl), {
      lasting: 8_000,
      what: 'dead servers stay dead',
    })
  })

  for (const kind of ['natives', 'legacies']) {
    test(`interop: the leave of one of the ${kind} is known to all at once`, async (t) => {
      const cluster = await startMixedCluster(t, { natives: 3, legacies: 3 })
      const [leaver] = cluster[kind]
      cluster.without(leaver)
      assert.deepEqual(await leaver.leave(), { code: 0, signal: null })
      await assertGoneForGood(cluster, leaver.baseUrl, 10_000)
    })
  }

  test('interop: a drained native server is offline everywhere until it is brought back', async (t) => {
    const cluster = await startMixedCluster(t, { natives: 3, legacies: 3 })
    const [drained] = cluster.natives
    await drained.drain()
    await assertGoneForGood(cluster, drained.baseUrl, 15_000)

    await drained.bringBack()
    await eachSees(cluster.apps, showsOnline(drained.baseUrl), {
      within: SEEN_ONCE_WITHIN,
      what: 'it is back everywhere',
    })
    await allKeepSeeing(cluster.natives, showsOnline(drained.baseUrl), { lasting: 4_000, what: 'it is back' })
  })

  test('interop: a legacy server is replaced by a native one at the same URL, as in a rolling upgrade', async (t) => {
    const cluster = await startMixedCluster(t, { natives: 1, legacies: 3 })
    for (const { baseUrl, port } of [...cluster.legacies].slice(0, 2)) {
      const old = cluster.legacies.find((legacy) => legacy.port === port)
      cluster.without(old)
      await old.leave()
      await cluster.addNative({ port })
      await eachSees(cluster.apps, showsOnline(baseUrl), {
        within: SEEN_ONCE_WITHIN,
        what: 'the upgraded server is online',
      })
    }
    await allSeeEachOther(cluster)
    await allKeepSeeing(cluster.natives, ({ online }) => online.length === 4, {
      lasting: 5_000,
      what: 'all are online',
    })
  })

  test('interop: a native server that starts before it listens joins and is not buried', async (t) => {
    const cluster = await startMixedCluster(t, { natives: 2, legacies: 1 })
    const late = await cluster.addNative({ listenLate: true, port: await freePort() })
    await eachSees(cluster.apps, showsOnline(late.baseUrl), {
      within: SEEN_ONCE_WITHIN,
      what: 'the late listener is online',
    })
    await allKeepSeeing(cluster.natives, showsOnline(late.baseUrl), {
      lasting: 6_000,
      what: 'it stays online',
    })
  })
})

/**
 * Asserts that a value is exactly a version 1 message: three keys, three keys per entry, correct
 * types.
 */
function assertCleanMessage(message) {
  assert.deepEqual(Object.keys(message), ['message', 'online', 'offline'])
  assert.equal(message.message, 'gossip')
  for (const server of [...message.online, ...message.offline]) {
    assert.deepEqual(Object.keys(server), ['baseUrl', 'monitor', 'lastUpdate'])
    assert.deepEqual(
      [typeof server.baseUrl, typeof server.monitor, typeof server.lastUpdate],
      ['string', 'boolean', 'number'],
    )
  }
}

const manyTombstones = () =>
  Array.from({ length: 2_000 }, (_, i) => entry(`http://127.0.0.1:1/server-number-${i}/`, aWhileAgo()))

describe('interop: messages to a legacy peer', { concurrency: 3 }, () => {
  test('interop: messages and responses are those of version 1, whatever keys others add to entries', async (t) => {
    const peer = await createFakePeer(t)
    const monitor = await createFakePeer(t, { monitor: true })
    const gone = entry(`http://127.0.0.1:${await freePort()}/`, aWhileAgo())
    peer.knows = [{ ...monitor.entry(aWhileAgo()), zone: 'eu' }]
    peer.buried = [{ ...gone, reason: 'moved' }]
    const env = { SHAZBOT_PROBE_INTERVAL: '0' }
    const { app } = await startSubject(t, { servers: [peer.entry(aWhileAgo())], env })
    assertCleanMessage(await app.sendGossip({ online: [{ ...monitor.entry(), extra: [1] }], offline: [] }))
    await eventually(() => peer.gossips.length >= 3 && monitor.gossips.length >= 2, {
      within: 60_000,
      what: 'some rounds',
    })
    await app.leave()

    for (const { json, headers, text } of [...peer.gossips, ...monitor.gossips]) {
      assertCleanMessage(json)
      assert.equal(
        headers['content-length'],
        String(Buffer.byteLength(text)),
        'with Content-Length, not chunked',
      )
    }
    assert.ok(
      peer.gossips.at(-1).json.offline.some(({ baseUrl }) => baseUrl === gone.baseUrl),
      'tombstones are sent',
    )
  })

  test('interop: a list of 2,000 servers reaches a legacy peer in pages of 64 kB at most', async (t) => {
    const peer = await createFakePeer(t)
    const { app } = await startSubject(t, { servers: [peer.entry(aWhileAgo())], bodyLimit: 64 * PAGE })
    const many = manyTombstones()
    await app.sendGossip({ offline: many })

    const received = new Set()
    await eventually(
      () => {
        for (const { json } of peer.gossips) for (const { baseUrl } of json.offline) received.add(baseUrl)
        return many.every(({ baseUrl }) => received.has(baseUrl))
      },
      { within: 60_000, every: 250, what: 'the peer has received all of it' },
    )

    for (const { text, json } of peer.gossips) {
      assert.ok(Buffer.byteLength(text) <= PAGE, `a body of ${Buffer.byteLength(text)} bytes`)
      assert.ok(isOnline(json, app.baseUrl), 'every page names its sender')
      // The peer may be offered the native extension with its page.
      const { v2, ...plain } = json
      assertCleanMessage(plain)
    }
  })

  test('interop: a peer that rejects a page as too large gets smaller ones', async (t) => {
    const limit = 20_000
    const peer = await createFakePeer(t)
    peer.onGossip = ({ text }) =>
      text.length > limit ? { status: 413, body: { error: 'request entity too large' } } : undefined
    const { app } = await startSubject(t, { servers: [peer.entry(aWhileAgo())], bodyLimit: 64 * PAGE })
    await app.sendGossip({ offline: manyTombstones() })
    const isTaken = ({ text, json }) => text.length <= limit && json.offline.length > 0
    await eventually(() => peer.gossips.some(isTaken), { what: 'a page that the peer takes' })
    assert.ok(isOnline(await app.list(), peer.baseUrl), 'the peer was never declared dead')
  })

  test('interop: a legacy peer with a body limit of 100 kB works with a list of 2,000 servers', async (t) => {
    const { app, store } = await startSubject(t, { bodyLimit: 64 * PAGE })
    const legacy = await spawnApp(t, { modulePath: REFERENCE, env: environment(store) })
    await app.sendGossip({ online: [entry(legacy.baseUrl, aWhileAgo())] })
    await app.sendGossip({ offline: manyTombstones() })

    // Longer than two rounds with their retries.
    await throughout(async () => isOnline(await app.list(), legacy.baseUrl), {
      lasting: 9_000,
      what: 'the legacy peer is online',
    })
    await eventually(async () => (await legacy.list()).offline.length > 500, {
      what: 'the legacy peer has heard of many',
    })
  })
})
