'use strict'

const { describe, test } = require('node:test')
const assert = require('node:assert/strict')
const { startSubject } = require('../support/subject')
const { createFakePeer } = require('../support/fake-peer')
const { createMasterListStore } = require('../support/master-list-store')
const { deadBaseUrl } = require('../support/ports')
const { entry, aWhileAgo, find, isOnline, isOffline } = require('../support/entries')
const { eventually } = require('../support/eventually')

// No rounds during a test.
const QUIET = { SHAZBOT_GOSSIP_INTERVAL: '30' }

describe('fixed in v2, 01: stale never resurrects', { concurrency: 8 }, () => {
  for (const [what, age] of [
    ['older than', 1_000],
    ['as old as', 0],
  ]) {
    test(`fixed in v2, 01: an online claim ${what} the tombstone in a request is dropped and answered with the tombstone`, async (t) => {
      const { app } = await startSubject(t, { env: QUIET })
      const dead = await deadBaseUrl()
      const buriedAt = aWhileAgo()
      await app.sendGossip({ offline: [entry(dead, buriedAt)] })

      const answer = await app.sendGossip({ online: [entry(dead, buriedAt - age)] })

      assert.ok(!isOnline(answer, dead), 'the dead server is online again in the answer')
      assert.ok(find(answer.offline, dead)?.lastUpdate >= buriedAt, 'the answer contains the tombstone')
      assert.ok(!isOnline(await app.list(), dead), 'the dead server is online again in the list')
    })
  }

  test('fixed in v2, 01: an offline claim wins over an online one with an equal stamp in one message', async (t) => {
    const { app } = await startSubject(t, { env: QUIET })
    const dead = await deadBaseUrl()
    const claim = entry(dead, aWhileAgo())

    const answer = await app.sendGossip({ online: [claim], offline: [claim] })

    assert.ok(!isOnline(answer, dead), 'the dead server is online')
    assert.ok(isOffline(answer, dead), 'the dead server is not offline')
  })

  test('fixed in v2, 01: a stale online claim in an answer does not resurrect', async (t) => {
    const peer = await createFakePeer(t)
    const { app } = await startSubject(t, { servers: [peer.entry(aWhileAgo())] })
    const dead = await deadBaseUrl()
    const buriedAt = aWhileAgo()
    await app.sendGossip({ offline: [entry(dead, buriedAt)] })
    peer.knows = [entry(dead, buriedAt - 1_000)]

    const before = peer.gossips.length
    await eventually(() => peer.gossips.length >= before + 3, { what: 'three rounds with the peer' })

    assert.ok(
      !isOnline(await app.list(), dead),
      'the dead server is online again after answers that claim it',
    )
  })

  test('fixed in v2, 01: a stale online claim in the master list does not resurrect', async (t) => {
    const dead = await deadBaseUrl()
    const buriedAt = aWhileAgo()
    const store = await createMasterListStore(t)
    store.onPut = () => ({ status: 200, body: '' }) // ignores uploads, so that the stale claim stays in the list
    const announceEverySecond = {
      SHAZBOT_MASTER_ANNOUNCE_MINIMUM: '1',
      SHAZBOT_MASTER_ANNOUNCE_INTERVAL: '0',
    }
    const { app } = await startSubject(t, { store, env: { ...QUIET, ...announceEverySecond } })
    await app.sendGossip({ offline: [entry(dead, buriedAt)] })
    store.write([entry(dead, buriedAt - 1_000)])

    const before = store.gets.length
    await eventually(() => store.gets.length >= before + 3, { what: 'three downloads' })

    assert.ok(
      !isOnline(await app.list(), dead),
      'the dead server is online again after downloads that claim it',
    )
  })
})
