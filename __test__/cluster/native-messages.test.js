'use strict'

const { describe, test } = require('node:test')
const assert = require('node:assert/strict')
const { shazbot, start } = require('../support/in-process')
const { claim, createNativePeer, extension, postMessage } = require('../support/native')
const { createFakePeer } = require('../support/fake-peer')
const { createScriptedServer } = require('../support/scripted-server')
const { request: send } = require('../support/http')
const { startSubject } = require('../support/subject')
const { SECRET } = require('../support/environment')
const { aWhileAgo, entry, isOnline, urlsOf } = require('../support/entries')
const { eventually } = require('../support/eventually')

const QUIET = { SHAZBOT_GOSSIP_INTERVAL: '60' }
const OFF = { SHAZBOT_PROBE_INTERVAL: '0' }

const PLAIN_KEYS = ['message', 'online', 'offline']
const NATIVE_KEYS = [...PLAIN_KEYS, 'v2']

const UNUSED_URL = 'http://127.0.0.1:9/'

/** Malformed extensions, none of which may cause an error. */
const MALFORMED_EXTENSIONS = [
  null,
  true,
  2,
  '2',
  'x'.repeat(100_000),
  [],
  [extension(UNUSED_URL)],
  {},
  { me: UNUSED_URL },
  extension(UNUSED_URL, { me: [UNUSED_URL] }),
  extension(UNUSED_URL, { me: [UNUSED_URL, 'undead', 1, 1, 0] }),
  extension(UNUSED_URL, { me: [UNUSED_URL, 'alive', -1, 1, 0] }),
  extension(UNUSED_URL, { me: [UNUSED_URL, 'alive', 1, null, 0] }),
  extension(UNUSED_URL, { id: 1 }),
  extension(UNUSED_URL, { kind: undefined }),
]

const gossip = (message) =>
  shazbot.shazbotGossipRequest(SECRET, { message: 'gossip', online: [], offline: [], ...message })

function assertPlainMessage(message, what) {
  assert.deepEqual(Object.keys(message), PLAIN_KEYS, what)
}

function assertNativeMessage(message) {
  assert.deepEqual(Object.keys(message), NATIVE_KEYS)
  const { message: kind, online, offline, v2 } = message
  assert.deepEqual({ kind, online, offline }, { kind: 'gossip', online: [], offline: [] })
  assert.equal(Object.getPrototypeOf(v2), Object.prototype)
}

/**
 * A server that passes each request on to another one, and records what servers say to each other.
 */
async function createRelay(t) {
  const answers = []
  const relay = await createScriptedServer(t, async ({ method, path, headers, text }) => {
    const { 'content-type': type = 'application/json', authorization = '' } = headers
    const answer = await send(`${relay.target}${path.slice(1)}`, {
      method,
      headers: { 'Content-Type': type, Authorization: authorization },
      body: text,
    })
    if (method === 'POST') answers.push(answer.json)
    return { status: answer.status, headers: { 'Content-Type': 'application/json' }, body: answer.text }
  })
  return Object.assign(relay, { answers, baseUrl: `${relay.origin}/` })
}

describe('native messages over HTTP', { concurrency: 6 }, () => {
  test('a request with v2 is answered with v2 and empty lists', async (t) => {
    const peer = await createNativePeer(t)
    const { app } = await startSubject(t, { env: QUIET })
    await app.sendGossip({ online: [entry('http://127.0.0.1:9/other/', aWhileAgo())] })
    for (const kind of ['push', 'probe', 'something of a later version']) {
      const { status, json } = await postMessage(app.baseUrl, { v2: extension(peer.baseUrl, { kind }) })
      assert.equal(status, 200)
      assertNativeMessage(json)
      const [baseUrl, state, incarnation, lastUpdate, monitor] = json.v2.me
      assert.deepEqual([baseUrl, state, monitor], [app.baseUrl, 'alive', 0])
      assert.ok(incarnation > 1_700_000_000 && Math.abs(lastUpdate - Date.now()) < 60_000)
    }
  })

  test('a request without v2 is answered as by version 1, to the byte', async (t) => {
    const peer = await createNativePeer(t)
    const { app } = await startSubject(t, { env: QUIET })
    await postMessage(app.baseUrl, { v2: extension(peer.baseUrl) })
    const { json, text } = await postMessage(app.baseUrl, {})
    assertPlainMessage(json)
    for (const server of json.online)
      assert.deepEqual(Object.keys(server), ['baseUrl', 'monitor', 'lastUpdate'])
    assert.ok(isOnline(json, app.baseUrl))
    assert.doesNotMatch(text, /v2|alive|incarnation/)
  })

  test('a malformed v2 is ignored', async (t) => {
    const { app } = await startSubject(t, { env: QUIET })
    for (const [number, v2] of MALFORMED_EXTENSIONS.entries()) {
      const listed = entry(`http://127.0.0.1:9/listed-${number}/`, aWhileAgo())
      const { status, json } = await postMessage(app.baseUrl, { v2, online: [listed] })
      assert.equal(status, 200)
      assertPlainMessage(json, JSON.stringify(v2)?.slice(0, 80))
      assert.ok(isOnline(json, listed.baseUrl), 'its lists are merged')
    }
  })

  test('the secret and the message format are checked with v2 too', async (t) => {
    const { app } = await startSubject(t, { env: QUIET })
    const v2 = extension(UNUSED_URL)
    assert.equal((await postMessage(app.baseUrl, { v2 }, 'wrong')).status, 401)
    for (const message of [{ online: null }, { online: {} }, { offline: 'none' }]) {
      const { json } = await postMessage(app.baseUrl, { v2, ...message })
      assert.match(json.error, /"(online|offline)" must be an array/)
    }
    assert.deepEqual(urlsOf((await app.list()).online), [app.baseUrl])
  })

  test('with SHAZBOT_PROBE_INTERVAL=0 v2 is neither sent nor answered', async (t) => {
    const peer = await createNativePeer(t)
    const env = { SHAZBOT_GOSSIP_INTERVAL: '0.2', ...OFF }
    const { app } = await startSubject(t, { servers: [peer.entry(aWhileAgo())], env })
    const listed = entry('http://127.0.0.1:9/listed/', aWhileAgo())
    const { json } = await postMessage(app.baseUrl, { v2: extension(peer.baseUrl), online: [listed] })
    assertPlainMessage(json)
    assert.ok(isOnline(json, listed.baseUrl), 'its lists are merged')
    await app.drain()
    await eventually(() => peer.gossips.length >= 10, { what: 'many rounds' })
    await app.leave()
    for (const { json } of peer.gossips) assertPlainMessage(json)
  })

  test('an unknown peer is offered plain lists and v2', async (t) => {
    const peer = await createFakePeer(t)
    const { app } = await startSubject(t, { servers: [peer.entry(aWhileAgo())], env: QUIET })
    const [{ json }] = peer.gossips
    assert.deepEqual(Object.keys(json), NATIVE_KEYS)
    assert.deepEqual(urlsOf(json.online), [app.baseUrl, peer.baseUrl].sort())
    assert.equal(json.v2.me[0], app.baseUrl)
  })

  test('a peer that answers without v2 is not offered it again for some time', async (t) => {
    const peer = await createFakePeer(t)
    const env = { SHAZBOT_GOSSIP_INTERVAL: '0.2' }
    await startSubject(t, { servers: [peer.entry(aWhileAgo())], env })
    await eventually(() => peer.gossips.length >= 10, { what: 'many rounds' })
    const offers = peer.gossips.filter(({ json }) => json.v2)
    assert.equal(offers.length, 1)
    for (const { json } of peer.gossips.slice(1)) assertPlainMessage(json)
  })

  test('a peer that answers with v2 gets messages with empty lists', async (t) => {
    const peer = await createNativePeer(t)
    await startSubject(t, { servers: [peer.entry(aWhileAgo())], env: QUIET })
    await eventually(() => peer.gossips.length >= 5, { what: 'probes, each second' })
    for (const { json } of peer.gossips.slice(1)) assertNativeMessage(json)
  })

  test('two servers detect that both are native, and exchange unknown servers in v2', async (t) => {
    const relay = await createRelay(t)
    const { app: other, store } = await startSubject(t, {
      env: { ...QUIET, SHAZBOT_BASE_URL: relay.baseUrl },
    })
    // Its own `baseUrl` has its own port; its gossip has the relay's.
    relay.target = other.baseUrl
    store.write([entry(relay.baseUrl, aWhileAgo())])
    const { app } = await startSubject(t, { store, env: QUIET })
    await eventually(() => relay.answers.length >= 5, { what: 'exchanges' })
    for (const answer of relay.answers) assertNativeMessage(answer)
    const requests = relay.requests.filter(({ method }) => method === 'POST')
    for (const { json } of requests.slice(1)) assertNativeMessage(json)
    assert.ok(isOnline(await other.list(), app.baseUrl))
  })
})

describe('native messages as objects', () => {
  test('a response consists of new plain objects', async (t) => {
    await start(t)
    const v2 = extension(UNUSED_URL, { claims: [claim('http://127.0.0.1:9/other/')] })
    const frozen = structuredClone(v2)
    const first = await gossip({ v2 })
    assertNativeMessage(first)
    assert.deepEqual(v2, frozen, 'the arguments are not changed')
    assert.ok(Array.isArray(first.v2.me))
    first.v2.me.length = 0
    first.online.push('spoilt')
    const second = await gossip({ v2 })
    assertNativeMessage(second)
    assert.equal(second.v2.me.length, 5)
  })

  test('the lists of a message with v2 are not read', async (t) => {
    await start(t)
    const untouchable = new Proxy([], {
      get(list, key) {
        assert.equal(key, 'length')
        return list[key]
      },
    })
    assertNativeMessage(
      await gossip({ v2: extension(UNUSED_URL), online: untouchable, offline: untouchable }),
    )
    const listed = entry('http://127.0.0.1:9/listed/', aWhileAgo())
    await gossip({ v2: extension(UNUSED_URL), online: [listed] })
    assert.ok(!isOnline(shazbot.shazbotGetServerList(), listed.baseUrl))
  })

  test('a v2 that is not JSON is ignored', async (t) => {
    await start(t)
    const cyclic = extension(UNUSED_URL)
    cyclic.self = cyclic
    const throwing = () => {
      throw new Error('boom')
    }
    const odd = [
      cyclic,
      extension(UNUSED_URL, { living: 1n }),
      extension(UNUSED_URL, { toJSON: throwing }),
      { toJSON: () => undefined },
      { toJSON: () => [] },
      extension(UNUSED_URL, { note: 'x'.repeat(17_000_000) }),
      Object.defineProperty({}, 'me', { enumerable: true, get: throwing }),
      () => {},
      new Date(),
      Object.create(null),
    ]
    for (const v2 of odd) assertPlainMessage(await gossip({ v2 }))
    assertPlainMessage(await gossip(Object.defineProperty({}, 'v2', { enumerable: true, value: undefined })))
    const trap = Object.defineProperty({ online: [] }, 'v2', { get: throwing })
    assertPlainMessage(await shazbot.shazbotGossipRequest(SECRET, trap))
    assertNativeMessage(await gossip({ v2: Object.assign(Object.create(null), extension(UNUSED_URL)) }))
  })

  test('a lone surrogate in v2 is harmless', async (t) => {
    await start(t)
    assertNativeMessage(await gossip({ v2: extension(UNUSED_URL, { note: '\ud800', claims: [['\udfff']] }) }))
    assertPlainMessage(await gossip({ v2: extension('http://127.0.0.1:9/\ud800/') }))
  })
})
