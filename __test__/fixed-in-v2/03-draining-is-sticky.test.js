'use strict'

const { describe, test } = require('node:test')
const assert = require('node:assert/strict')
const { startSubject } = require('../support/subject')
const { createFakePeer } = require('../support/fake-peer')
const { createMasterListStore } = require('../support/master-list-store')
const { entry, aWhileAgo, inAnHour, find, isOnline, isOffline } = require('../support/entries')
const { eventually, throughout } = require('../support/eventually')

const ANNOUNCE_EVERY_SECOND = { SHAZBOT_MASTER_ANNOUNCE_MINIMUM: '1', SHAZBOT_MASTER_ANNOUNCE_INTERVAL: '0' }
const QUIET = { SHAZBOT_GOSSIP_INTERVAL: '30' }

const assertDrained = (list, baseUrl) => {
  assert.ok(!isOnline(list, baseUrl), 'the drained server is online')
  assert.ok(isOffline(list, baseUrl), 'the drained server is not offline')
  return true
}

describe('fixed in v2, 03: draining is sticky', { concurrency: 8 }, () => {
  test('fixed in v2, 03: its own tick does not put a drained server back', async (t) => {
    const { app } = await startSubject(t)
    await app.control(false)
    await throughout(async () => assertDrained(await app.list(), app.baseUrl), {
      lasting: 3_000,
      what: 'drained',
    })
  })

  test('fixed in v2, 03: incoming gossip does not put a drained server back, whatever it claims', async (t) => {
    const { app } = await startSubject(t, { env: QUIET })
    await app.control(false)
    assertDrained(await app.tell({}), app.baseUrl)
    assertDrained(await app.tell({ online: [entry(app.baseUrl, inAnHour())] }), app.baseUrl)
    assertDrained(await app.tell({ offline: [entry(app.baseUrl, inAnHour())] }), app.baseUrl)
    assertDrained(await app.list(), app.baseUrl)
  })

  test('fixed in v2, 03: answers and the master list do not put a drained server back; it is not uploaded', async (t) => {
    const peer = await createFakePeer(t)
    const store = await createMasterListStore(t, { servers: [peer.entry(aWhileAgo())] })
    const { app } = await startSubject(t, { store, env: ANNOUNCE_EVERY_SECOND })
    await eventually(() => find(store.servers, app.baseUrl), { what: 'the server is in the master list' })
    await app.control(false)
    peer.knows = [entry(app.baseUrl, Date.now() + 60_000)]

    await eventually(() => !find(store.servers, app.baseUrl), {
      what: 'the drained server left the master list',
    })
    store.write([peer.entry(), entry(app.baseUrl, Date.now() + 60_000)])
    const gossips = peer.gossips.length
    const gets = store.gets.length
    await eventually(() => peer.gossips.length >= gossips + 2 && store.gets.length >= gets + 2, {
      what: 'two rounds and two downloads that claim it online',
    })

    assertDrained(await app.list(), app.baseUrl)
    await eventually(() => !find(store.servers, app.baseUrl), { what: 'it left the master list again' })
  })

  test('fixed in v2, 03: draining spreads to the peers', async (t) => {
    const peer = await createFakePeer(t)
    const { app } = await startSubject(t, { servers: [peer.entry(aWhileAgo())] })
    await app.control(false)
    const drainedAt = performance.now()

    // A round that was under way may still come after the answer to the control message.
    const told = await eventually(
      () => peer.gossips.find(({ at, json }) => at > drainedAt && isOffline(json, app.baseUrl)),
      { what: 'a gossip that tells of it' },
    )

    assertDrained(told.json, app.baseUrl)
  })

  test('fixed in v2, 03: its return comes with a stamp above every claim that it has seen about itself', async (t) => {
    const { app } = await startSubject(t, { env: QUIET })
    await app.control(false)
    const online = entry(app.baseUrl, inAnHour())
    const offline = entry(app.baseUrl, inAnHour() + 60_000)
    await app.tell({ online: [online] })
    await app.tell({ offline: [offline] })

    await app.control(true)

    const list = await app.list()
    assert.ok(isOnline(list, app.baseUrl) && !isOffline(list, app.baseUrl), 'it is back')
    assert.ok(find(list.online, app.baseUrl).lastUpdate > offline.lastUpdate, 'its stamp is above the claims')
  })

  test('fixed in v2, 03: its draining and its leave come with a stamp above every claim about itself', async (t) => {
    const peer = await createFakePeer(t)
    const { app } = await startSubject(t, { servers: [peer.entry(aWhileAgo())], env: QUIET })
    const claim = entry(app.baseUrl, inAnHour())
    await app.tell({ online: [claim] })

    await app.control(false)
    assert.ok(
      find((await app.list()).offline, app.baseUrl).lastUpdate > claim.lastUpdate,
      'the draining is above it',
    )

    await app.control(true)
    const later = entry(app.baseUrl, claim.lastUpdate + 60_000)
    await app.tell({ online: [later] })
    await app.leave()
    const farewell = peer.gossips.findLast(({ json }) => isOffline(json, app.baseUrl)).json
    assert.ok(find(farewell.offline, app.baseUrl).lastUpdate > later.lastUpdate, 'the leave is above it')
  })
})
