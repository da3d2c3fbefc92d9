'use strict'

const { describe, test } = require('node:test')
const assert = require('node:assert/strict')
const { startSubject } = require('../support/subject')
const { createFakePeer } = require('../support/fake-peer')
const { aWhileAgo, isOnline } = require('../support/entries')
const { eventually, throughout } = require('../support/eventually')

const NOT_STARTED = { error: 'Clustershazbot engine not started' }

async function clusterWith(t, gossipAnswer, listAnswer) {
  const peer = await createFakePeer(t)
  peer.onGossip = () => gossipAnswer
  peer.onList = () => listAnswer
  const { app } = await startSubject(t, { servers: [peer.entry(aWhileAgo())] })
  return { peer, app }
}

describe('fixed in v2, 09: alive without an exchange', { concurrency: 8 }, () => {
  for (const status of [401, 413, 429]) {
    test(`fixed in v2, 09: a peer that answers ${status} is alive`, async (t) => {
      const { peer, app } = await clusterWith(t, { status, body: { error: 'Not now' } })
      // Longer than a round, the pause before the retry, and the retry.
      await throughout(async () => isOnline(await app.list(), peer.baseUrl), {
        lasting: 7_000,
        what: 'it is online',
      })
      assert.ok(peer.gossips.length >= 2, 'it was contacted more than once')
    })
  }

  test('fixed in v2, 09: a 401 whose body says that no engine runs is a failure', async (t) => {
    const { peer, app } = await clusterWith(
      t,
      { status: 401, body: NOT_STARTED },
      { status: 500, body: NOT_STARTED },
    )
    await eventually(async () => !isOnline(await app.list(), peer.baseUrl), { what: 'it is no longer shown' })
  })

  test('fixed in v2, 09: a 200 whose body says that no engine runs is a failure', async (t) => {
    const { peer, app } = await clusterWith(
      t,
      { status: 200, body: NOT_STARTED },
      { status: 200, body: NOT_STARTED },
    )
    await eventually(async () => !isOnline(await app.list(), peer.baseUrl), { what: 'it is no longer shown' })
  })

  for (const [what, answer] of [
    ['404', { status: 404, body: 'Cannot POST /clustershazbot/gossip' }],
    ['500', { status: 500, body: { error: 'Internal Server Error' } }],
    ['503', { status: 503, body: 'Service Unavailable' }],
    ['204', { status: 204 }],
  ]) {
    test(`fixed in v2, 09: ${what} stays a failure`, async (t) => {
      const { peer, app } = await clusterWith(t, answer, answer)
      await eventually(async () => !isOnline(await app.list(), peer.baseUrl), {
        what: 'it is no longer shown',
      })
    })
  }
})
