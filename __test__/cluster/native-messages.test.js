'use strict'

const { describe, test } = require('node:test')
const assert = require('node:assert/strict')
const { gossipNative, shazbot, start } = require('../support/in-process')
const { challenge, claim, createNativePeer, extension, postMessage, postRaw } = require('../support/native')
const { createFakePeer } = require('../support/fake-peer')
const { createScriptedServer } = require('../support/scripted-server')
const { request: send } = require('../support/http')
const signing = require('../support/signing')
const { startSubject } = require('../support/subject')
const { SECRET } = require('../support/environment')
const { aWhileAgo, entry, isOnline, urlsOf } = require('../support/entries')
const { eventually } = require('../support/eventually')

const QUIET = { SHAZBOT_GOSSIP_INTERVAL: '60' }
const OFF = { SHAZBOT_PROBE_INTERVAL: '0' }

const PLAIN_KEYS = ['message', 'online', 'offline']
const NATIVE_KEYS = [...PLAIN_KEYS, 'v2']

/** 128 bits in base64url. */
const NONCE = /^[\w-]{22}$/

const UNUSED_URL = 'http://127.0.0.1:9/'

/** Malformed extensions, none of which may cause an error. */
const MALFORMED_EXTENSIONS = [
  null,
  true,
  2,
  '2',
  'x'.repeat(100_000),
  { nonce: 'x' },
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

/** A signed message or response, whose lists are empty. */
function assertSigned({ message, online, offline, v2 }) {
  assert.deepEqual({ message, online, offline }, { message: 'gossip', online: [], offline: [] })
  assert.match(v2, /^2\.|^[\w-]+$/)
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
      body: method === 'POST' ? text : undefined,
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

  test('a v2 beside the raw secret is ignored unless its sender has proved itself', async (t) => {
    const { app } = await startSubject(t, { env: QUIET })
    const unproved = extension(UNUSED_URL, { claims: [claim(`${UNUSED_URL}claimed/`)] })
    for (const [number, v2] of [...MALFORMED_EXTENSIONS, unproved].entries()) {
      const listed = entry(`http://127.0.0.1:9/listed-${number}/`, aWhileAgo())
      const { status, json } = await postRaw(app.baseUrl, { v2, online: [listed] })
      assert.equal(status, 200)
      assertPlainMessage(json, JSON.stringify(v2)?.slice(0, 80))
      assert.ok(isOnline(json, listed.baseUrl), 'its lists are merged')
    }
    for (const { baseUrl } of (await app.list()).online) assert.doesNotMatch(baseUrl, /:9\/$|claimed/)
  })

  test('a v2 beside the raw secret counts once its sender has proved itself', async (t) => {
    const peer = await createNativePeer(t)
    const { app } = await startSubject(t, { servers: [peer.entry(aWhileAgo())], env: QUIET })
    await eventually(() => peer.gossips.length > 0, { what: 'a message to the peer' })
    const claims = [claim(`${UNUSED_URL}claimed/`)]
    const { json } = await postRaw(app.baseUrl, { v2: extension(peer.baseUrl, { claims }) })
    assertNativeMessage(json)
    assert.ok(isOnline(await app.list(), claims[0][0]))
    // Another process behind its URL has proved nothing.
    const other = await postRaw(app.baseUrl, { v2: extension(peer.baseUrl, { id: 'abc' }) })
    assertPlainMessage(other.json)
  })

  test('a nonce beside the raw secret is answered with a proof', async (t) => {
    const { app } = await startSubject(t, { env: QUIET })
    // It can prove itself once its keys are derived.
    await challenge(app.baseUrl)
    const { nonce } = signing.challenge()
    for (const v2 of [{ nonce }, { nonce, ...extension(UNUSED_URL) }]) {
      const { json } = await postRaw(app.baseUrl, { v2 })
      assert.deepEqual(Object.keys(json.v2), ['proof'])
      assert.equal(signing.readProof(json.v2.proof, nonce, SECRET).baseUrl, app.baseUrl)
      assert.ok(isOnline(json, app.baseUrl), 'its lists are there')
    }
  })

  test('a signed v2 that is malformed is rejected', async (t) => {
    const { app } = await startSubject(t, { env: QUIET })
    for (const v2 of MALFORMED_EXTENSIONS.filter((odd) => typeof odd === 'object' && odd !== null)) {
      const listed = entry('http://127.0.0.1:9/listed/', aWhileAgo())
      const { status, json } = await postMessage(app.baseUrl, { v2, online: [listed] })
      assert.deepEqual(
        [status, json],
        [401, { error: 'Unauthorized: The body is not the one that was signed' }],
      )
    }
    assert.deepEqual(urlsOf((await app.list()).online), [app.baseUrl])
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
    for (const { headers } of peer.listRequests) assert.equal(headers.authorization, undefined)
  })

  test('an unknown peer is challenged, and offered plain lists and v2 if it proves nothing', async (t) => {
    const peer = await createFakePeer(t)
    const { app } = await startSubject(t, { servers: [peer.entry(aWhileAgo())], env: QUIET })
    const [{ json }] = peer.gossips
    assert.deepEqual(Object.keys(json), NATIVE_KEYS)
    assert.deepEqual(urlsOf(json.online), [app.baseUrl, peer.baseUrl].sort())
    assert.equal(json.v2.me[0], app.baseUrl)
    assert.match(json.v2.nonce, NONCE)
    const [first] = peer.requests
    assert.deepEqual([first.method, first.headers['content-type']], ['GET', undefined])
    assert.match(signing.readChallenge(first.headers.authorization), NONCE)
  })

  test('a peer that rejects a challenge is asked without one, then greeted', async (t) => {
    const peer = await createFakePeer(t)
    peer.onList = ({ headers }) => headers.authorization && { status: 400, body: 'Unknown scheme' }
    await startSubject(t, { servers: [peer.entry(aWhileAgo())], env: QUIET })
    const [challenge, list, greeting] = peer.requests
    assert.ok(signing.readChallenge(challenge.headers.authorization))
    assert.deepEqual([list.method, list.headers.authorization], ['GET', undefined])
    assert.deepEqual([greeting.method, greeting.headers.authorization], ['POST', SECRET])
  })

  test('each message with the raw secret has its lists and a new nonce', async (t) => {
    const peer = await createFakePeer(t)
    const env = { SHAZBOT_GOSSIP_INTERVAL: '0.2' }
    const { app } = await startSubject(t, { servers: [peer.entry(aWhileAgo())], env })
    await eventually(() => peer.gossips.length >= 10, { what: 'many rounds' })
    for (const { json, headers } of peer.gossips) {
      assert.equal(headers.authorization, SECRET)
      assert.deepEqual(Object.keys(json), NATIVE_KEYS)
      assert.ok(isOnline(json, app.baseUrl))
      assert.equal(json.v2.me[0], app.baseUrl)
    }
    const nonces = new Set(peer.gossips.map(({ json }) => json.v2.nonce))
    assert.equal(nonces.size, peer.gossips.length)
  })

  test('a peer that proves itself gets only signed messages with empty lists', async (t) => {
    const peer = await createNativePeer(t)
    const { app } = await startSubject(t, { servers: [peer.entry(aWhileAgo())], env: QUIET })
    await eventually(() => peer.gossips.length >= 5, { what: 'probes, each second' })
    for (const { json, signed, text } of peer.gossips) {
      assertNativeMessage(json)
      assertSigned(JSON.parse(text))
      const process = BigInt(`0x${json.v2.id}`)
      assert.deepEqual(signed.sender, { baseUrl: app.baseUrl, process })
    }
    const sequences = peer.gossips.map(({ signed }) => signed.sequence)
    assert.equal(new Set(sequences).size, sequences.length)
    for (const { headers, text } of peer.requests)
      assert.ok(!`${headers.authorization} ${text}`.includes(SECRET), 'the secret was sent')
  })

  test('a peer that proves itself in its answer to the raw secret gets signed messages', async (t) => {
    const peer = await createNativePeer(t)
    peer.onList = () => ({ body: peer.list() })
    const env = { SHAZBOT_GOSSIP_INTERVAL: '0.2' }
    await startSubject(t, { servers: [peer.entry(aWhileAgo())], env })
    await eventually(() => peer.gossips.length >= 5, { what: 'some messages' })
    const [first, ...rest] = peer.gossips
    assert.equal(first.headers.authorization, SECRET)
    for (const { signed } of rest) assert.ok(signed)
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
    for (const answer of relay.answers) assertSigned(answer)
    const requests = relay.requests.filter(({ method }) => method === 'POST')
    for (const { headers, json } of requests) {
      assert.ok(signing.isSigned(headers.authorization))
      assertSigned(json)
    }
    assert.ok(isOnline(await other.list(), app.baseUrl))
  })
})

describe('native messages as objects', () => {
  test('a response consists of new plain objects', async (t) => {
    await start(t)
    const v2 = extension(UNUSED_URL, { claims: [claim('http://127.0.0.1:9/other/')] })
    const frozen = structuredClone(v2)
    const first = await gossipNative({ v2 })
    assertNativeMessage(first)
    assert.deepEqual(v2, frozen, 'the arguments are not changed')
    assert.ok(Array.isArray(first.v2.me))
    first.v2.me.length = 0
    first.online.push('spoilt')
    const second = await gossipNative({ v2 })
    assertNativeMessage(second)
    assert.equal(second.v2.me.length, 5)
  })

  test('the lists of a signed message are not read', async (t) => {
    await start(t)
    const untouchable = new Proxy([], {
      get(list, key) {
        assert.equal(key, 'length')
        return list[key]
      },
    })
    assertNativeMessage(
      await gossipNative({ v2: extension(UNUSED_URL), online: untouchable, offline: untouchable }),
    )
    const listed = entry('http://127.0.0.1:9/listed/', aWhileAgo())
    await gossipNative({ v2: extension(UNUSED_URL), online: [listed] })
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
  })

  test('a v2 of a sender that has proved itself may be any object', async (t) => {
    const peer = await createNativePeer(t)
    await start(t, { servers: [peer.entry(aWhileAgo())] })
    await eventually(() => peer.gossips.length > 0, { what: 'a message to the peer' })
    const v2 = extension(peer.baseUrl)
    const odd = [
      Object.assign(Object.create(null), v2),
      Object.create({}, Object.getOwnPropertyDescriptors(v2)),
      { ...v2, note: '\ud800', claims: [['\udfff']] },
      { ...v2, deep: [[[[[[[[[[[]]]]]]]]]]] },
      { toJSON: () => v2 },
    ]
    for (const v2 of odd) assertNativeMessage(await gossip({ v2 }))
    assertPlainMessage(await gossip({ v2: extension(`${peer.baseUrl}\ud800/`) }))
  })

  test('a lone surrogate in a signed v2 is harmless', async (t) => {
    await start(t)
    const v2 = extension(UNUSED_URL, { note: '\ud800', claims: [['\udfff']] })
    assertNativeMessage(await gossipNative({ v2 }))
  })
})
