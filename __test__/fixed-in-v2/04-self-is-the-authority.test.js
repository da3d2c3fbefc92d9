'use strict'

const { describe, test } = require('node:test')
const assert = require('node:assert/strict')
const { startSubject } = require('../support/subject')
const { createFakePeer } = require('../support/fake-peer')
const { createMasterListStore } = require('../support/master-list-store')
const { entry, aWhileAgo, inAnHour, find, isOnline, isOffline, monitorEntry } = require('../support/entries')
const { eventually } = require('../support/eventually')

const QUIET = { SHAZBOT_GOSSIP_INTERVAL: '30' }

const assertOwn = (list, baseUrl) => {
  const own = find(list.online, baseUrl)
  assert.ok(own, 'the running server is not in its own online list')
  assert.ok(!isOffline(list, baseUrl), 'the running server is in both lists')
  assert.equal(own.monitor, false, 'its monitor flag was replaced')
  assert.ok(own.lastUpdate < Date.now() + 60_000, 'its stamp was replaced')
}

describe('fixed in v2, 04: self is the authority on itself', { concurrency: 8 }, () => {
  test('fixed in v2, 04: an online claim in a request replaces neither stamp nor monitor flag', async (t) => {
    const { app } = await startSubject(t, { env: QUIET })
    const claim = monitorEntry(app.baseUrl, inAnHour())
    assertOwn(await app.sendGossip({ online: [claim] }), app.baseUrl)
    assertOwn(await app.list(), app.baseUrl)
  })

  test('fixed in v2, 04: an online claim in an answer replaces neither stamp nor monitor flag', async (t) => {
    const peer = await createFakePeer(t)
    const { app } = await startSubject(t, { servers: [peer.entry(aWhileAgo())] })
    peer.knows = [monitorEntry(app.baseUrl, inAnHour())]
    const before = peer.gossips.length
    await eventually(() => peer.gossips.length >= before + 2, { what: 'two rounds with the peer' })
    assertOwn(await app.list(), app.baseUrl)
  })

  test('fixed in v2, 04: an online claim in the master list replaces neither stamp nor monitor flag', async (t) => {
    const store = await createMasterListStore(t)
    const everySecond = { SHAZBOT_MASTER_ANNOUNCE_MINIMUM: '1', SHAZBOT_MASTER_ANNOUNCE_INTERVAL: '0' }
    const { app } = await startSubject(t, { store, env: { ...QUIET, ...everySecond } })
    store.onPut = () => ({ status: 200, body: '' }) // ignores uploads, so that the claim stays in the list
    store.write([monitorEntry(app.baseUrl, inAnHour())])
    const before = store.gets.length
    await eventually(() => store.gets.length >= before + 2, { what: 'two downloads' })
    assertOwn(await app.list(), app.baseUrl)
  })

  test('fixed in v2, 04: a claim that it is offline is refuted with a stamp above the claim', async (t) => {
    const { app } = await startSubject(t, { env: QUIET })
    for (const ahead of [10_000, 3_600_000]) {
      const claim = entry(app.baseUrl, Date.now() + ahead)
      const answer = await app.sendGossip({ offline: [claim] })
      assert.ok(isOnline(answer, app.baseUrl), 'the running server is offline in its own answer')
      assert.ok(!isOffline(answer, app.baseUrl), 'the running server is in both lists')
      assert.ok(
        find(answer.online, app.baseUrl).lastUpdate > claim.lastUpdate,
        'the stamp is above the claim',
      )
    }
  })

  test('fixed in v2, 04: a claim that it is offline in an answer is refuted', async (t) => {
    const peer = await createFakePeer(t)
    const { app } = await startSubject(t, { servers: [peer.entry(aWhileAgo())] })
    const claim = entry(app.baseUrl, inAnHour())
    peer.buried = [claim]
    await eventually(
      () => peer.gossips.some(({ json }) => find(json.online, app.baseUrl)?.lastUpdate > claim.lastUpdate),
      { what: 'the peer gets a refutation with a newer stamp' },
    )
    const list = await app.list()
    assert.ok(isOnline(list, app.baseUrl) && !isOffline(list, app.baseUrl), 'online, and only online')
  })

  test('fixed in v2, 04: it is never in both lists, even if claimed in both or drained', async (t) => {
    const { app } = await startSubject(t, { env: QUIET })
    const claim = entry(app.baseUrl, Date.now() + 10_000)
    const running = await app.sendGossip({ online: [claim], offline: [claim] })
    assert.ok(
      isOnline(running, app.baseUrl) && !isOffline(running, app.baseUrl),
      'running: online, and only online',
    )
    await app.drain()
    const drained = await app.sendGossip({ online: [claim], offline: [claim] })
    assert.ok(
      !isOnline(drained, app.baseUrl) && isOffline(drained, app.baseUrl),
      'drained: offline, and only offline',
    )
  })
})
