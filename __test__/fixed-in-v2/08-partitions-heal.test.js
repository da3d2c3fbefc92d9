'use strict'

const { describe, test } = require('node:test')
const assert = require('node:assert/strict')
const { startSubject } = require('../support/subject')
const { createFakePeer } = require('../support/fake-peer')
const { freePort } = require('../support/ports')
const { aWhileAgo, isOnline, isOffline } = require('../support/entries')
const { eventually } = require('../support/eventually')

describe('fixed in v2, 08: partitions heal', { concurrency: 8 }, () => {
  test('fixed in v2, 08: a dead server is retried, and online once it answers', async (t) => {
    const port = await freePort()
    const peer = await createFakePeer(t, { listen: false, port })
    // If no entry of a list answers, none is declared dead, because the server's own network may be
    // broken.
    const witness = await createFakePeer(t)
    const servers = [peer, witness].map((server) => server.entry(aWhileAgo()))
    const { app } = await startSubject(t, { servers })
    await eventually(async () => isOffline(await app.list(), peer.baseUrl), {
      what: 'the unreachable server is declared dead',
    })

    await peer.open()

    await eventually(async () => isOnline(await app.list(), peer.baseUrl), {
      within: 45_000,
      what: 'the server that can be reached again is online',
    })
    assert.ok(peer.requests.length > 0, 'it was contacted, not just claimed')
  })
})
