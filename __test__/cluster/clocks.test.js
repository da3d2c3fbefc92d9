'use strict'

const { describe, test } = require('node:test')
const assert = require('node:assert/strict')
const { captureConsole, gossipNative, prepare, shazbot } = require('../support/in-process')
const { createFakePeer } = require('../support/fake-peer')
const { createMasterListStore } = require('../support/master-list-store')
const { INCARNATION, createNativePeer, extension, postMessage } = require('../support/native')
const { startSubject } = require('../support/subject')
const { SECRET } = require('../support/environment')
const { aWhileAgo, entry, isOffline, isOnline } = require('../support/entries')
const { eventually } = require('../support/eventually')

const DAY = 86_400
const QUIET = { SHAZBOT_GOSSIP_INTERVAL: '60' }

/** What a version 2 server claims about itself. */
const word = (baseUrl, { status = 'alive', incarnation = INCARNATION, days = 0 }) =>
  extension(baseUrl, { me: [baseUrl, status, incarnation, Date.now() + days * DAY * 1_000, 0] })

describe('wrong clocks', { concurrency: 4 }, () => {
  test('a version 2 server with a stamp days ahead is shown and can drain', async (t) => {
    const peer = await createNativePeer(t)
    const { app } = await startSubject(t, { env: QUIET })
    for (const [status, isThere] of [
      ['alive', isOnline],
      ['left', isOffline],
    ]) {
      await postMessage(app.baseUrl, { v2: word(peer.baseUrl, { status, days: 2 }) })
      const list = await app.list(true)
      assert.ok(isThere(list, peer.baseUrl), status)
      const shown = [...list.online, ...list.offline].find(({ baseUrl }) => baseUrl === peer.baseUrl)
      assert.ok(shown.lastUpdate < Date.now() + 60_000)
    }
  })

  test('an incarnation days ahead is rejected, and its subject is told', async (t) => {
    const peer = await createNativePeer(t)
    const { app } = await startSubject(t, { env: QUIET })
    const wrong = word(peer.baseUrl, { incarnation: INCARNATION + 2 * DAY, days: 2 })
    const { json } = await postMessage(app.baseUrl, { v2: wrong })
    assert.ok(Math.abs(json.v2.clock - Date.now()) < 60_000)
    assert.ok(!isOnline(await app.list(), peer.baseUrl))
    // Its clock is right again; it starts again below.
    const right = await postMessage(app.baseUrl, { v2: word(peer.baseUrl, {}) })
    assert.equal(right.json.v2.clock, undefined)
    assert.ok(isOnline(await app.list(), peer.baseUrl))
  })

  test('a server with an outdated own claim is told', async (t) => {
    const peer = await createNativePeer(t)
    const { app } = await startSubject(t, { env: QUIET })
    await postMessage(app.baseUrl, { v2: word(peer.baseUrl, {}) })
    const since1970 = word(peer.baseUrl, { incarnation: 5 })
    const { json } = await postMessage(app.baseUrl, { v2: since1970 })
    const claimed = json.v2.claims.find(([baseUrl]) => baseUrl === peer.baseUrl)
    assert.equal(claimed?.[2], INCARNATION)
  })

  test('a list with all stamps days ahead is downloaded again within seconds', async (t) => {
    const peer = await createFakePeer(t)
    const ahead = entry(peer.baseUrl, Date.now() + 2 * DAY * 1_000)
    const store = await createMasterListStore(t, { servers: [ahead] })
    const { app } = await startSubject(t, { store, env: QUIET })
    assert.ok(!isOnline(await app.list(), peer.baseUrl))
    store.servers = [entry(peer.baseUrl, aWhileAgo())]
    await eventually(async () => isOnline(await app.list(), peer.baseUrl), {
      what: 'the server with a valid stamp',
      within: 20_000,
    })
  })
})

describe('the log about clocks', () => {
  test('a server that is rejected because of its clock is named', async (t) => {
    await prepare(t, { env: QUIET })
    const lines = captureConsole(t)
    await shazbot.shazbotStart()
    const named = (baseUrl) =>
      lines.filter(({ severity, values }) => severity === 'warn' && values[0].includes(baseUrl))
    const [plain, native] = ['http://127.0.0.1:9/plain/', 'http://127.0.0.1:9/native/']
    const online = [entry(plain, Date.now() + 2 * DAY * 1_000)]
    const message = { message: 'gossip', online, offline: [] }
    await shazbot.shazbotGossipRequest(SECRET, message)
    await shazbot.shazbotGossipRequest(SECRET, message)
    const v2 = word(native, { incarnation: INCARNATION + 2 * DAY })
    await gossipNative({ v2 })
    await eventually(() => named(native).length > 0, { what: 'a warning that names it' })
    for (const baseUrl of [plain, native]) assert.equal(named(baseUrl).length, 1, baseUrl)
    assert.match(named(plain)[0].values[0], /^Clustershazbot rejects .* more than 24 hours ahead/)
  })
})
