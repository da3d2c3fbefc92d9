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
  test('fixed in v2, 03: its own round does not bring a drained server back', async (t) => {
    const { app } = await startSubject(t)
    await app.drain()
    await throughout(async () => assertDrained(await app.list(), app.baseUrl), {
      lasting: 3_000,
      what: 'drained',
    })
  })

  test('fixed in v2, 03: incoming gossip does not bring a drained server back', async (t) => {
    const { app } = await startSubject(t, { env: QUIET })
    await app.drain()
    assertDrained(await app.sendGossip({}), app.baseUrl)
    assertDrained(await app.sendGossip({ online: [entry(app.baseUrl, inAnHour())] }), app.baseUrl)
    assertDrained(await app.sendGossip({ offline: [entry(app.baseUrl, inAnHour())] }), app.baseUrl)
    assertDrained(await app.list(), app.baseUrl)
  })

  test('fixed in v2, 03: responses and the master list do not bring a drained server back, and it is not uploaded', async (t) => {
    const peer = await createFakePeer(t)
    const store = await createMasterListStore(t, { servers: [peer.entry(aWhileAgo())] })
    const { app } = await startSubject(t, { store, env: ANNOUNCE_EVERY_SECOND })
    await eventually(() => find(store.servers, app.baseUrl), { what: 'the server is in the master list' })
    await app.drain()
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

  test('fixed in v2, 03: the drain spreads to the peers', async (t) => {
    const peer = await createFakePeer(t)
    const { app } = await startSubject(t, { servers: [peer.entry(aWhileAgo())] })
    await app.drain()
    const drainedAt = performance.now()

    // A round in progress may still arrive after the response to the control message.
    const message = await eventually(
      () => peer.gossips.find(({ at, json }) => at > drainedAt && isOffline(json, app.baseUrl)),
      { what: 'a gossip message about it' },
    )

    assertDrained(message.json, app.baseUrl)
  })

  test('fixed in v2, 03: its return has a stamp above every claim about itself', async (t) => {
    const { app } = await startSubject(t, { env: QUIET })
    await app.drain()
    const online = entry(app.baseUrl, inAnHour())
    const offline = entry(app.baseUrl, inAnHour() + 60_000)
    await app.sendGossip({ online: [online] })
    await app.sendGossip({ offline: [offline] })

    await app.bringBack()

    const list = await app.list()
    assert.ok(isOnline(list, app.baseUrl) && !isOffline(list, app.baseUrl), 'it is back')
    assert.ok(find(list.online, app.baseUrl).lastUpdate > offline.lastUpdate, 'its stamp is above the claims')
  })

  test('fixed in v2, 03: its drain and its leave have a stamp above every claim about itself', async (t) => {
    const peer = await createFakePeer(t)
    const { app } = await startSubject(t, { servers: [peer.entry(aWhileAgo())], env: QUIET })
    const claim = entry(app.baseUrl, inAnHour())
    await app.sendGossip({ online: [claim] })

    await app.drain()
    assert.ok(
      find((await app.list()).offline, app.baseUrl).lastUpdate > claim.lastUpdate,
      'the stamp of the drain is higher',
    )

    await app.bringBack()
    const later = entry(app.baseUrl, claim.lastUpdate + 60_000)
    await app.sendGossip({ online: [later] })
    await app.leave()
    const farewell = peer.gossips.findLast(({ json }) => isOffline(json, app.baseUrl)).json
    assert.ok(
      find(farewell.offline, app.baseUrl).lastUpdate > later.lastUpdate,
      'the stamp of the leave is higher',
    )
  })
})
