'use strict'

const { describe, test } = require('node:test')
const assert = require('node:assert/strict')
const { startSubject } = require('../support/subject')
const { createFakePeer } = require('../support/fake-peer')
const { createMasterListStore } = require('../support/master-list-store')
const { freePort } = require('../support/ports')
const { aWhileAgo, isOnline } = require('../support/entries')
const { eventually } = require('../support/eventually')

// Rounds teach nothing within a test.
const NO_ROUNDS = { SHAZBOT_GOSSIP_INTERVAL: '60' }

describe('fixed in v2, 06: bootstrap', { concurrency: 8 }, () => {
  test('fixed in v2, 06: answers to the announcement at start are merged', async (t) => {
    const known = await createFakePeer(t)
    const unlisted = await createFakePeer(t)
    known.knows = [unlisted.entry(aWhileAgo())]
    const { app } = await startSubject(t, { servers: [known.entry(aWhileAgo())], env: NO_ROUNDS })
    assert.ok(known.gossips.length >= 1, 'the server of the master list got the announcement')
    assert.ok(
      isOnline(await app.list(), unlisted.baseUrl),
      'what it answered is not known when start has resolved',
    )
  })

  test('fixed in v2, 06: a failed download is retried after about a second', async (t) => {
    const peer = await createFakePeer(t)
    const store = await createMasterListStore(t, { servers: [peer.entry(aWhileAgo())] })
    store.onGet = () => (store.gets.length === 1 ? { status: 503, body: 'Later' } : undefined)
    const { app } = await startSubject(t, { store, env: NO_ROUNDS })
    await eventually(async () => isOnline(await app.list(), peer.baseUrl), {
      what: 'the list is known',
    })
    const [first, second] = store.gets
    assert.ok(second.at - first.at < 5_000, `the retry came after ${Math.round(second.at - first.at)} ms`)
  })

  test('fixed in v2, 06: a failing download is retried with growing pauses', async (t) => {
    const store = await createMasterListStore(t)
    store.onGet = () => ({ status: 500, body: 'Broken' })
    await startSubject(t, { store, env: NO_ROUNDS })
    await eventually(() => store.gets.length >= 4, { within: 60_000, what: 'the fourth attempt' })
    const [first, , , fourth] = store.gets
    assert.ok(fourth.at - first.at > 1_000, 'four attempts within a second are a request storm')
  })

  test('fixed in v2, 06: a download is retried until the store is up', async (t) => {
    const peer = await createFakePeer(t)
    const servers = [peer.entry(aWhileAgo())]
    const store = await createMasterListStore(t, { servers, port: await freePort() })
    await store.close()
    const { app } = await startSubject(t, { store, env: NO_ROUNDS })
    await store.open()
    await eventually(async () => isOnline(await app.list(), peer.baseUrl), { what: 'the list is known' })
  })
})
