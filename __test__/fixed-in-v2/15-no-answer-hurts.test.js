'use strict'

const { describe, test } = require('node:test')
const assert = require('node:assert/strict')
const { gzipSync } = require('node:zlib')
const { startSubject } = require('../support/subject')
const { createFakePeer } = require('../support/fake-peer')
const { createMasterListStore } = require('../support/master-list-store')
const { entry, aWhileAgo, isOnline, isOffline } = require('../support/entries')
const { eventually } = require('../support/eventually')

const QUIET = { SHAZBOT_GOSSIP_INTERVAL: '60' }
const MEGABYTE = 1024 * 1024
const MOST_SERVERS = 100_000

const ODD_JSON = ['{}', 'null', '[]', '"text"', '7', '{"online":null}', '{"online":{}}', '{"online":"text"}']

/** JSON that never ends, about 13 MB per second. */
function endless(response) {
  response.writeHead(200, { 'Content-Type': 'application/json' })
  response.write('{"message":"gossip","online":[')
  const chunk = Buffer.alloc(MEGABYTE / 8, ' ')
  const timer = setInterval(() => response.writableNeedDrain || response.write(chunk), 10)
  response.on('close', () => clearInterval(timer))
}

/** A valid message of 20 MB after decompression. */
function bomb(baseUrl) {
  const message = `{"message":"gossip","online":[${JSON.stringify(entry(baseUrl))}],"offline":[]`
  const body = gzipSync(`${message}${' '.repeat(20 * MEGABYTE)}}`)
  return { headers: { 'Content-Type': 'application/json', 'Content-Encoding': 'gzip' }, body }
}

async function clusterWith(t, answerOf) {
  const peer = await createFakePeer(t)
  peer.onGossip = peer.onList = () => answerOf(peer)
  // If no entry of a list answers, none is declared dead, because the server's own network may be
  // broken.
  const witness = await createFakePeer(t)
  const servers = [peer, witness].map((server) => server.entry(aWhileAgo()))
  const { app } = await startSubject(t, { servers })
  return { peer, app }
}

const headers = { 'Content-Type': 'application/json' }

describe('fixed in v2, 15: no answer hurts', { concurrency: 8 }, () => {
  for (const body of [...ODD_JSON, '{"online":[],"offline":"text"}', '{"online":[],"offline":{}}']) {
    test(`fixed in v2, 15: a peer that answers ${body} has failed, without further effect`, async (t) => {
      const { peer, app } = await clusterWith(t, () => ({ headers, body }))
      await eventually(async () => isOffline(await app.list(), peer.baseUrl), {
        what: 'the peer is offline',
      })
    })
  }

  for (const [what, answer] of [
    ['HTML', { body: '<!doctype html><title>Hello</title>', headers: { 'Content-Type': 'text/html' } }],
    ['nothing', { body: '' }],
  ]) {
    test(`fixed in v2, 15: a peer that answers ${what} has failed`, async (t) => {
      const { peer, app } = await clusterWith(t, () => answer)
      await eventually(async () => isOffline(await app.list(), peer.baseUrl), { what: 'the peer is offline' })
    })
  }

  test('fixed in v2, 15: an endless answer is a failure', async (t) => {
    const { peer, app } = await clusterWith(t, () => endless)
    await eventually(async () => isOffline(await app.list(), peer.baseUrl), {
      within: 60_000,
      what: 'the peer is offline',
    })
  })

  test('fixed in v2, 15: an answer above 16 MB after decompression is a failure', async (t) => {
    const { peer, app } = await clusterWith(t, ({ baseUrl }) => bomb(baseUrl))
    await eventually(async () => isOffline(await app.list(), peer.baseUrl), {
      within: 60_000,
      what: 'the peer is offline',
    })
  })

  for (const body of ODD_JSON) {
    test(`fixed in v2, 15: a master list ${body} does not prevent a start, and is downloaded again`, async (t) => {
      const peer = await createFakePeer(t)
      const store = await createMasterListStore(t, { servers: [peer.entry(aWhileAgo())] })
      store.onGet = () => (store.gets.length === 1 ? { headers, body } : undefined)
      const { app } = await startSubject(t, { store, env: QUIET })
      await eventually(async () => isOnline(await app.list(), peer.baseUrl), {
        what: 'the valid list is known',
      })
    })
  }

  test('fixed in v2, 15: an endless master list is a failed download', async (t) => {
    const peer = await createFakePeer(t)
    const store = await createMasterListStore(t, { servers: [peer.entry(aWhileAgo())] })
    store.onGet = () => (store.gets.length === 1 ? endless : undefined)
    const { app } = await startSubject(t, { store, env: QUIET, start: false })
    const started = app.call('shazbotStart')
    await eventually(() => store.gets.length >= 2, { within: 60_000, what: 'the retry' })
    await started
    await eventually(async () => isOnline(await app.list(), peer.baseUrl), {
      what: 'the valid list is known',
    })
  })
})

describe('fixed in v2, 15: the number of servers is limited', () => {
  test('fixed in v2, 15: beyond 100,000 servers new ones are rejected, with one warning', async (t) => {
    const { app } = await startSubject(t, { env: QUIET, bodyLimit: 64 * MEGABYTE })
    const half = (name) =>
      Array.from({ length: 60_000 }, (_, i) => entry(`http://127.0.0.1:1/${name}-${i}/`, aWhileAgo()))

    await app.sendGossip({ online: half('first') })
    const { online, offline } = await app.sendGossip({ online: half('second') })
    await app.sendGossip({ online: half('third') })

    const count = online.length + offline.length
    assert.ok(count <= MOST_SERVERS + 1, `${count} servers are kept`)
    assert.ok(count >= MOST_SERVERS, `${count} servers are kept, although there is room for more`)
    assert.ok(isOnline({ online }, app.baseUrl), 'the server itself has its place')
    const warnings = () =>
      app.lines.filter(({ stream, text }) => stream === 'stderr' && !text.startsWith('Failed to'))
    await eventually(() => warnings().length > 0, { what: 'a warning' })
    assert.equal(warnings().length, 1, `there are ${warnings().length} warnings`)
  })
})
