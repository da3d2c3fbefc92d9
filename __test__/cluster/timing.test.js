'use strict'

const { describe, test } = require('node:test')
const assert = require('node:assert/strict')
const { createFakePeer, createPeers } = require('../support/fake-peer')
const { createMasterListStore } = require('../support/master-list-store')
const { startSubject } = require('../support/subject')
const { aWhileAgo, isOffline, isOnline } = require('../support/entries')
const { eventually } = require('../support/eventually')

const QUIET = { SHAZBOT_GOSSIP_INTERVAL: '60' }
const BROKEN = { status: 500, body: 'broken' }

const gaps = (moments) => moments.slice(1).map((at, i) => at - moments[i])

/** Records when a peer answered each gossip message, `delay` ms late. */
function slowDown(peer, delay) {
  const exchanges = []
  peer.onGossip = async ({ at }) => {
    const exchange = { began: at, ended: Number.POSITIVE_INFINITY }
    exchanges.push(exchange)
    await new Promise((resolve) => setTimeout(resolve, delay))
    exchange.ended = performance.now()
    return { body: { message: 'gossip', ...peer.list() } }
  }
  return exchanges
}

const overlaps = (exchanges) =>
  exchanges.filter(({ began }, i) => exchanges.some((other, j) => j < i && began < other.ended))

describe('timing', { concurrency: 10 }, () => {
  test('a start downloads the list, announces the server with it, and then resolves', async (t) => {
    const peers = await Promise.all([1, 2, 3].map(() => createFakePeer(t)))
    const servers = peers.map((peer) => peer.entry(aWhileAgo()))
    const store = await createMasterListStore(t, { servers })
    const exchanges = peers.map((peer) => slowDown(peer, 2_000))
    const { app } = await startSubject(t, { store, env: QUIET })
    const resolved = performance.now()
    for (const [i, peer] of peers.entries()) {
      assert.equal(peer.gossips.length, 1)
      assert.ok(peer.gossips[0].at > store.gets[0].at)
      assert.ok(exchanges[i][0].ended < resolved)
      const { online } = peer.gossips[0].json
      assert.deepEqual(
        online.map(({ baseUrl }) => baseUrl).sort(),
        [app.baseUrl, ...peers.map((p) => p.baseUrl)].sort(),
      )
    }
    const announced = peers.map(({ gossips }) => gossips[0].at)
    assert.ok(Math.max(...announced) < Math.min(...exchanges.map(([{ ended }]) => ended)), 'in parallel')
  })

  test('announcements go to up to 20 random servers and all monitors', async (t) => {
    const peers = await createPeers(t, 60)
    const monitors = await Promise.all([1, 2, 3, 4].map(() => createFakePeer(t, { monitor: true })))
    const servers = [...peers.entries(aWhileAgo()), ...monitors.map((monitor) => monitor.entry(aWhileAgo()))]
    // Strangers that verification found alive are soon offered the extension; that does not count
    // here.
    const env = { ...QUIET, SHAZBOT_PROBE_INTERVAL: '0' }
    const { app } = await startSubject(t, { servers, env })
    const announced = new Set(peers.gossips.map(({ baseUrl }) => baseUrl))
    const first = monitors.map(({ gossips }) => gossips.length)
    assert.deepEqual(first, [1, 1, 1, 1])
    assert.ok(announced.size >= 16 && announced.size <= 20, `${announced.size} of the ordinary peers`)
    assert.equal(peers.gossips.length, announced.size, 'each of them once')

    await app.leave()
    const farewells = peers.gossips.filter(({ request }) => isOffline(request.json, app.baseUrl))
    assert.ok(farewells.length >= 16 && farewells.length <= 20, `${farewells.length} received the leave`)
    for (const { gossips } of monitors) assert.ok(gossips.some(({ json }) => isOffline(json, app.baseUrl)))
    const announcedLeave = new Set(farewells.map(({ baseUrl }) => baseUrl))
    assert.notDeepEqual(announcedLeave, announced, 'they are chosen at random')
  })

  test('a start continues after a failed download', async (t) => {
    const store = await createMasterListStore(t)
    store.onGet = () => ({ status: 500, body: '' })
    const { app } = await startSubject(t, { store, env: QUIET })
    assert.ok(isOnline(await app.list(), app.baseUrl))
  })

  test('rounds follow the interval with a jitter of a tenth', async (t) => {
    const peer = await createFakePeer(t)
    await startSubject(t, { servers: [peer.entry(aWhileAgo())], env: { SHAZBOT_GOSSIP_INTERVAL: '1' } })
    await eventually(() => peer.gossips.length >= 14, { within: 60_000, what: 'rounds' })
    const pauses = gaps(peer.gossips.map(({ at }) => at))
    assert.ok(Math.min(...pauses) > 880, `${pauses.map(Math.round)}`)
    const median = pauses.toSorted((a, b) => a - b)[6]
    assert.ok(median < 1_500, `${pauses.map(Math.round)}`)
    assert.ok(Math.max(...pauses) - Math.min(...pauses) > 40, `they are spread: ${pauses.map(Math.round)}`)
  })

  test('the next round is armed when the last has ended', async (t) => {
    const peer = await createFakePeer(t)
    const { app } = await startSubject(t, {
      servers: [peer.entry(aWhileAgo())],
      env: { SHAZBOT_GOSSIP_INTERVAL: '0.5' },
    })
    const exchanges = slowDown(peer, 1_000)
    await eventually(() => exchanges.length >= 5, { what: 'rounds' })
    const pauses = exchanges.slice(1).map(({ began }, i) => began - exchanges[i].ended)
    for (const pause of pauses) assert.ok(pause > 420, `${pauses.map(Math.round)}`)
    assert.ok(Math.min(...pauses) < 1_000, `${pauses.map(Math.round)}`)
    assert.equal(app.output('stderr'), '')
  })

  test('a failed round is retried after 3 s, then its peer is offline with a new stamp', async (t) => {
    const peer = await createFakePeer(t)
    const { app } = await startSubject(t, {
      servers: [peer.entry(aWhileAgo())],
      env: { SHAZBOT_GOSSIP_INTERVAL: '1' },
    })
    await eventually(() => peer.gossips.length >= 2, { what: 'a round' })
    // Not by cutting connections, because a failure on a reused one is retried at once.
    peer.onGossip = () => BROKEN
    // If the list fails like this, no gossip is tried; a dead server is soon checked again.
    peer.onList = () => ({ status: 503, body: 'broken' })
    const from = peer.gossips.length
    const began = Date.now()
    const list = await eventually(
      async () => {
        const now = await app.call('shazbotGetServerList', true)
        return isOffline(now, peer.baseUrl) && now
      },
      { what: 'its death' },
    )
    const tries = peer.gossips.slice(from).map(({ at }) => at)
    assert.equal(tries.length, 2)
    assert.ok(tries[1] - tries[0] > 2_900 && tries[1] - tries[0] < 6_000, `${tries[1] - tries[0]} ms`)
    const { lastUpdate } = list.offline.find(({ baseUrl }) => baseUrl === peer.baseUrl)
    assert.ok(lastUpdate >= began + 2_500 && lastUpdate <= Date.now() + 1, 'the stamp is new')
    assert.ok(!isOnline(list, peer.baseUrl))
  })

  test('a successful retry keeps the peer online', async (t) => {
    const peer = await createFakePeer(t)
    const { app } = await startSubject(t, {
      servers: [peer.entry(aWhileAgo())],
      env: { SHAZBOT_GOSSIP_INTERVAL: '0.5' },
    })
    let failures = 0
    peer.onGossip = () => (failures++ === 0 ? BROKEN : undefined)
    await eventually(() => failures >= 1, { what: 'a failed round' })
    const { length } = peer.gossips
    await eventually(() => peer.gossips.length >= length + 2, { what: 'the retry and another round' })
    const list = await app.list()
    assert.ok(isOnline(list, peer.baseUrl) && !isOffline(list, peer.baseUrl))
  })

  test('exchanges with one peer never overlap', async (t) => {
    const peers = await Promise.all([1, 2].map(() => createFakePeer(t, { monitor: true })))
    const servers = peers.map((peer) => peer.entry(aWhileAgo()))
    const exchanges = peers.map((peer) => slowDown(peer, 400))
    const { app } = await startSubject(t, { servers, env: { SHAZBOT_GOSSIP_INTERVAL: '0.2' } })
    // News for all servers, repeatedly, while exchanges are in progress.
    for (let i = 0; i < 10; i++) {
      await (i % 2 === 1 ? app.bringBack() : app.drain())
      const { length } = exchanges[0]
      await eventually(() => exchanges[0].length > length, { what: 'an exchange' })
    }
    for (const one of exchanges) assert.deepEqual(overlaps(one), [])
  })

  test('every third round goes to a monitor', async (t) => {
    const peers = await createPeers(t, 8)
    const monitor = await createFakePeer(t, { monitor: true })
    const servers = [...peers.entries(aWhileAgo()), monitor.entry(aWhileAgo())]
    // With ten servers, their only monitor stays below its limit of exchanges per second.
    await startSubject(t, { servers, env: { SHAZBOT_GOSSIP_INTERVAL: '1' } })
    // The first message to each is the announcement.
    const rounds = () =>
      [
        ...peers.gossips.map(({ request }) => ({ at: request.at, who: 'peers' })),
        ...monitor.gossips.map(({ at }) => ({ at, who: 'monitor' })),
      ]
        .sort((one, other) => one.at - other.at)
        .slice(servers.length)
        .map(({ who }) => who)
    await eventually(() => rounds().length >= 18, { within: 60_000, what: 'rounds' })
    const thirds = rounds().filter((_, i) => i % 3 === 2)
    assert.deepEqual(new Set(thirds), new Set(['monitor']), `${rounds()}`)
    assert.ok(rounds().includes('peers'))
  })

  test('each round has a new own stamp', async (t) => {
    const peer = await createFakePeer(t)
    const { app } = await startSubject(t, {
      servers: [peer.entry(aWhileAgo())],
      env: { SHAZBOT_GOSSIP_INTERVAL: '0.5' },
    })
    await eventually(() => peer.gossips.length >= 10, { what: 'rounds' })
    for (const { at, json } of peer.gossips) {
      const { lastUpdate } = json.online.find(({ baseUrl }) => baseUrl === app.baseUrl)
      const age = performance.timeOrigin + at - lastUpdate
      assert.ok(age > -500 && age < 2_500, `${age} ms old`)
    }
    assert.ok(
      gaps(
        peer.gossips.map(({ json }) => json.online.find((s) => s.baseUrl === app.baseUrl).lastUpdate),
      ).every((g) => g > 0),
    )
  })
})
