'use strict'

const { describe, test } = require('node:test')
const assert = require('node:assert/strict')
const zlib = require('node:zlib')
const { createFakePeer } = require('../support/fake-peer')
const { createScriptedServer } = require('../support/scripted-server')
const { startSubject } = require('../support/subject')
const { aWhileAgo, entry, isOnline } = require('../support/entries')
const { eventually } = require('../support/eventually')

const QUIET = { SHAZBOT_GOSSIP_INTERVAL: '60' }

/** A response that was compressed this many times. */
function compressed(text, times) {
  let body = Buffer.from(text)
  for (let i = 0; i < times; i++) body = zlib.gzipSync(body)
  const coding = Array(times).fill('gzip').join(', ')
  return { headers: { 'Content-Encoding': coding, 'Content-Type': 'application/json' }, body }
}

/** 16 MB that decode to nothing: 800,000 members that each take a while. */
const empty = () => {
  const member = zlib.gzipSync('')
  const body = zlib.gzipSync(zlib.gzipSync(Buffer.concat(Array(800_000).fill(member))))
  return { headers: { 'Content-Encoding': 'gzip, gzip, gzip' }, body }
}

const HOSTILE = {
  '12 peers that answer in 400 codings': [12, () => compressed(' '.repeat(1_000_000), 400)],
  '20 peers that answer in 2,000 codings': [20, () => compressed(' '.repeat(1_000_000), 2_000)],
  '20 peers whose answers expand a thousandfold, twice': [20, () => compressed(' '.repeat(15_500_000), 3)],
  '20 peers whose answers decode to nothing, slowly': [20, empty],
}

/** Starts a server with hostile peers and one valid peer, whose response has its own coding. */
async function startAmong(t, count, answer) {
  const hostile = await createScriptedServer(t, () => answer)
  const servers = Array.from({ length: count }, (_, i) => entry(`${hostile.origin}/${i}/`, aWhileAgo()))
  const peer = await createFakePeer(t)
  peer.onGossip = () => compressed(JSON.stringify({ message: 'gossip', ...peer.list() }), 1)
  const { app } = await startSubject(t, { servers: [...servers, peer.entry(aWhileAgo())], env: QUIET })
  return { app, peer, hostile }
}

describe('wire: content codings', { concurrency: 1 }, () => {
  for (const [what, [count, answer]] of Object.entries(HOSTILE)) {
    test(`${what} delay neither a shutdown nor other exchanges`, async (t) => {
      const { app, peer, hostile } = await startAmong(t, count, answer())
      assert.ok(isOnline(await app.call('shazbotGetServerList'), peer.baseUrl))
      assert.ok(hostile.requests.length >= count, 'each of them has been asked')
      const before = peer.gossips.length
      const began = performance.now()
      const left = app.leave()
      await eventually(() => peer.gossips.length > before, { what: 'the farewell' })
      const farewell = performance.now() - began
      await left
      const took = performance.now() - began
      t.diagnostic(`farewell after ${Math.round(farewell)} ms, end after ${Math.round(took)} ms`)
      // Farewells time out after 5 s; the rest is a margin for a busy machine.
      assert.ok(took < 8_000, `the shutdown took ${Math.round(took)} ms`)
    })
  }

  test('three codings are decoded, four are a failed exchange', async (t) => {
    for (const [times, isUnderstood] of [
      [3, true],
      [4, false],
    ]) {
      const found = entry('http://127.0.0.1:9/found/')
      const peer = await createFakePeer(t)
      const lists = () => JSON.stringify({ message: 'gossip', online: [peer.entry(), found], offline: [] })
      peer.onGossip = () => compressed(lists(), times)
      const { app } = await startSubject(t, { servers: [peer.entry(aWhileAgo())], env: QUIET })
      assert.equal(
        isOnline(await app.call('shazbotGetServerList'), found.baseUrl),
        isUnderstood,
        `${times} codings`,
      )
    }
  })

  test('the master list and redirect targets follow the same rule', async (t) => {
    const found = entry('http://127.0.0.1:9/found/')
    const store = await createScriptedServer(t, ({ path }) => {
      if (path === '/moved') return { status: 302, headers: { Location: '/list' } }
      return compressed(JSON.stringify({ online: [found] }), 4)
    })
    for (const path of ['/list', '/moved']) {
      const { app } = await startSubject(t, { store: { url: `${store.origin}${path}` }, env: QUIET })
      assert.ok(!isOnline(await app.call('shazbotGetServerList'), found.baseUrl), path)
      await eventually(() => app.output('stderr').includes('content codings'), {
        what: 'the reason in the log',
      })
      await app.kill()
    }
  })
})
