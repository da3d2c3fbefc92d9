'use strict'

const { describe, test } = require('node:test')
const assert = require('node:assert/strict')
const { startSubject } = require('../support/subject')
const { createFakePeer } = require('../support/fake-peer')
const { SECRET } = require('../support/environment')
const { freePort } = require('../support/ports')
const { entry, aWhileAgo, inAnHour, find } = require('../support/entries')
const { eventually } = require('../support/eventually')

const QUIET = { SHAZBOT_GOSSIP_INTERVAL: '30' }

describe('fixed in v2, 05: stamps grow', { concurrency: 8 }, () => {
  test('fixed in v2, 05: its own stamp strictly grows, even within one millisecond', async (t) => {
    const { app } = await startSubject(t, { env: QUIET })
    const message = { message: 'gossip', online: [], offline: [] }
    const answers = await Promise.all(
      Array.from({ length: 300 }, () => app.call('shazbotGossipRequest', SECRET, message)),
    )
    const stamps = answers.map((answer) => find(answer.online, app.baseUrl).lastUpdate)
    assert.equal(new Set(stamps).size, stamps.length, 'two answers carry the same stamp')
  })

  test('fixed in v2, 05: its own stamp grows although the clock is behind it', async (t) => {
    const { app } = await startSubject(t, { env: QUIET })
    // Relative to a stamp raised by a refutation, the clock has stepped back by an hour.
    const claim = entry(app.baseUrl, inAnHour())
    let last =
      find((await app.sendGossip({ offline: [claim] })).online, app.baseUrl)?.lastUpdate ?? claim.lastUpdate
    for (let i = 0; i < 5; i++) {
      const own = find((await app.sendGossip({})).online, app.baseUrl)
      assert.ok(own.lastUpdate > last, `the stamp went from ${last} to ${own.lastUpdate}`)
      last = own.lastUpdate
    }
  })

  test('fixed in v2, 05: its rounds carry growing stamps although the clock is behind them', async (t) => {
    const peer = await createFakePeer(t)
    const { app } = await startSubject(t, { servers: [peer.entry(aWhileAgo())] })
    const claim = entry(app.baseUrl, inAnHour())
    await app.sendGossip({ offline: [claim] })
    const before = peer.gossips.length
    await eventually(() => peer.gossips.length >= before + 3, { what: 'three rounds' })
    const stamps = peer.gossips.slice(before).map(({ json }) => find(json.online, app.baseUrl)?.lastUpdate)
    let last = claim.lastUpdate
    for (const stamp of stamps) {
      assert.ok(stamp > last, `a round carries ${stamp} after ${last}`)
      last = stamp
    }
  })

  test('fixed in v2, 05: the tombstone of a server with a fast clock beats its last entry', async (t) => {
    const peer = await createFakePeer(t, { port: await freePort() })
    const lastEntry = peer.entry(inAnHour())
    peer.onGossip = () => ({ body: { message: 'gossip', online: [lastEntry], offline: [] } })
    peer.onList = () => ({ body: { online: [lastEntry] } })
    const { app } = await startSubject(t, { servers: [peer.entry(aWhileAgo())] })
    await eventually(
      async () => find((await app.list()).online, peer.baseUrl)?.lastUpdate === lastEntry.lastUpdate,
      {
        what: 'the stamp of the fast clock is known',
      },
    )
    await peer.close()
    const tombstone = await eventually(async () => find((await app.list()).offline, peer.baseUrl), {
      what: 'the closed peer is declared dead',
    })
    assert.ok(tombstone.lastUpdate > lastEntry.lastUpdate, 'the tombstone is older than the last entry')
  })
})
