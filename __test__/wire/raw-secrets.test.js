'use strict'

/** Where the raw gossip secret goes, and whether it is accepted. */

const { describe, test } = require('node:test')
const assert = require('node:assert/strict')
const { setTimeout: pause } = require('node:timers/promises')

const { aWhileAgo, entry, isOnline, urlsOf } = require('../support/entries')
const { CONTROL_SECRET, SECRET } = require('../support/environment')
const { eventually } = require('../support/eventually')
const { createFakePeer } = require('../support/fake-peer')
const { getList, postGossip } = require('../support/http')
const { challenge, createNativePeer, extension, postMessage, postRaw } = require('../support/native')
const signing = require('../support/signing')
const { startSubject } = require('../support/subject')

/** How long a server waits for a proof, in ms. */
const PROOF_AWAITED = 1_000

const QUIET = { SHAZBOT_GOSSIP_INTERVAL: '60' }
const OFF = { SHAZBOT_LEGACY: 'off', SHAZBOT_GOSSIP_INTERVAL: '0.2' }
const KNOWN = { SHAZBOT_LEGACY: 'known', SHAZBOT_GOSSIP_INTERVAL: '0.2' }

const received = ({ requests }) => requests.map(({ headers, text }) => `${headers.authorization} ${text}`)
const assertNoSecret = (peer) => {
  for (const text of received(peer)) assert.ok(!text.includes(SECRET), text)
}

describe('wire: the raw secret', { concurrency: 6 }, () => {
  test('with SHAZBOT_LEGACY=off it is rejected, and signed messages are accepted', async (t) => {
    const peer = await createNativePeer(t)
    const { app } = await startSubject(t, { env: { ...OFF, ...QUIET } })
    for (const v2 of [undefined, extension(peer.baseUrl)]) {
      const { status, json } = await postRaw(app.baseUrl, { v2, online: [entry(peer.baseUrl, aWhileAgo())] })
      assert.deepEqual([status, json], [401, { error: 'Unauthorized: Invalid signature' }])
    }
    assert.deepEqual(urlsOf((await app.list()).online), [app.baseUrl])
    assert.equal((await postMessage(app.baseUrl, { v2: extension(peer.baseUrl) })).status, 200)
    assert.ok(isOnline(await app.list(), peer.baseUrl))
  })

  test('with SHAZBOT_LEGACY=off it is not sent, not even to the master list', async (t) => {
    const [legacy, native] = [await createFakePeer(t), await createNativePeer(t)]
    const servers = [legacy, native].map((peer) => peer.entry(aWhileAgo()))
    const { app } = await startSubject(t, { servers, env: OFF })
    await eventually(() => native.gossips.length >= 10, { what: 'many rounds' })
    await app.leave()
    assert.ok(legacy.listRequests.length > 0)
    assert.deepEqual(legacy.gossips, [])
    for (const peer of [legacy, native]) assertNoSecret(peer)
  })

  test('with SHAZBOT_LEGACY=off, a late proof excludes nobody', async (t) => {
    const peer = await createNativePeer(t)
    const isLate = () => peer.listRequests.length === 1
    peer.onList = async (request) => {
      if (isLate()) await pause(PROOF_AWAITED + 300)
      return peer.healthyList(request)
    }
    const { app } = await startSubject(t, { servers: [peer.entry(aWhileAgo())], env: OFF })
    await eventually(() => peer.gossips.length >= 2, { within: 20_000, what: 'signed messages' })
    assert.ok(isOnline(await app.list(), peer.baseUrl))
    assertNoSecret(peer)
  })

  test('with SHAZBOT_LEGACY=known it goes only to servers on the master list', async (t) => {
    const [known, hearsay] = [await createFakePeer(t), await createFakePeer(t)]
    const { app } = await startSubject(t, { servers: [known.entry(aWhileAgo())], env: KNOWN })
    await app.sendGossip({ online: [hearsay.entry()] })
    await eventually(() => hearsay.listRequests.length > 0, { what: 'a challenge of the other server' })
    await eventually(() => known.gossips.length >= 10, { what: 'many rounds' })
    assert.equal(known.gossips[0].headers.authorization, SECRET)
    assert.deepEqual(hearsay.gossips, [])
    assertNoSecret(hearsay)
  })

  test('a server that proves itself never gets it', async (t) => {
    const peer = await createNativePeer(t)
    const { app } = await startSubject(t, { env: { SHAZBOT_GOSSIP_INTERVAL: '0.2' } })
    await app.sendGossip({ online: [peer.entry()] })
    const isProved = ({ signed }) => signed !== undefined
    await eventually(() => peer.gossips.filter(isProved).length >= 5, { what: 'signed messages' })
    // It looks like a server of version 1 now, and like one that rejects what it is sent.
    peer.onList = () => ({ body: peer.list() })
    peer.onGossip = () => ({ status: 401, body: { error: 'Unauthorized: Invalid signature' } })
    const { length } = peer.requests
    await eventually(() => peer.requests.length > length + 5, { what: 'further requests' })
    await app.leave()
    assertNoSecret({ requests: peer.requests.slice(peer.requests.findIndex(isProved)) })
  })

  test('a server behind a gateway that rejects signed messages gets it again', async (t) => {
    const peer = await createNativePeer(t)
    peer.respond = ({ headers }, answer) =>
      signing.isSigned(headers.authorization) ? { status: 401, body: 'Unknown scheme' } : answer
    await startSubject(t, {
      servers: [peer.entry(aWhileAgo())],
      env: { SHAZBOT_GOSSIP_INTERVAL: '0.2' },
    })
    const isRaw = ({ headers }) => headers.authorization === SECRET
    /** The requests since the first signed message. */
    const requests = () => peer.requests.slice(peer.requests.findIndex(({ signed }) => signed))
    await eventually(() => peer.gossips.some(({ signed }) => signed), { what: 'a signed message' })
    await eventually(() => requests().some(isRaw), { what: 'a message with the raw secret' })
    const before = requests().slice(0, requests().findIndex(isRaw))
    const rejections = before.flatMap(({ method }, index) => (method === 'POST' ? [index] : []))
    assert.ok(rejections.length >= 2, 'two messages were rejected')
    const between = before.slice(rejections[0], rejections.at(-1))
    assert.ok(
      between.some(({ method }) => method === 'GET'),
      'it has proved itself in between',
    )
  })

  test('a proof of another URL, another secret or another nonce proves nothing', async (t) => {
    const proofs = {
      'another URL': (nonce, peer) => signing.prove(nonce, { ...peer, baseUrl: `${peer.baseUrl}x/` }, SECRET),
      'another secret': (nonce, peer) => signing.prove(nonce, peer, 'another secret'),
      'another nonce': (_, peer) => signing.prove(signing.challenge().nonce, peer, SECRET),
    }
    for (const [what, prove] of Object.entries(proofs)) {
      const peer = await createFakePeer(t)
      peer.onList = ({ headers }) => {
        const nonce = signing.readChallenge(headers.authorization)
        const proof = nonce && prove(nonce, { baseUrl: peer.baseUrl, process: 7n })
        return { body: { ...peer.list(), proof } }
      }
      await startSubject(t, { servers: [peer.entry(aWhileAgo())], env: QUIET })
      assert.equal(peer.gossips[0].headers.authorization, SECRET, what)
    }
  })

  test('an unsigned answer to a signed message is ignored', async (t) => {
    const peer = await createNativePeer(t)
    const forged = 'http://127.0.0.1:9/forged/'
    const { app } = await startSubject(t, {
      servers: [peer.entry(aWhileAgo())],
      env: { ...QUIET, SHAZBOT_LEGACY: 'off' },
    })
    const before = peer.gossips.length
    const { respond } = peer
    peer.respond = (request, answer) => {
      const { body } = respond(request, answer)
      return { body: { ...body, v2: `${body.v2}A`, online: [entry(forged, aWhileAgo())] } }
    }
    await eventually(() => peer.gossips.length >= before + 2, { what: 'messages' })
    assert.ok(!isOnline(await app.list(), forged))
  })

  test('with SHAZBOT_PROBE_INTERVAL=0 a challenge gets the plain list, without a proof', async (t) => {
    const other = entry('http://127.0.0.1:9/other/', aWhileAgo())
    const { app } = await startSubject(t, { env: { ...QUIET, SHAZBOT_PROBE_INTERVAL: '0' } })
    await app.sendGossip({ online: [other] })
    const { nonce, header } = signing.challenge()
    const { status, json } = await getList(app.baseUrl, header)
    assert.deepEqual([status, Object.keys(json)], [200, ['online']])
    assert.deepEqual(urlsOf(json.online), [app.baseUrl, other.baseUrl].sort())
    assert.equal(await challenge(app.baseUrl), undefined)
    const answer = await postRaw(app.baseUrl, { v2: { nonce } })
    assert.deepEqual(Object.keys(answer.json), ['message', 'online', 'offline'])
    const payload = signing.encode(extension(other.baseUrl))
    const receiver = { baseUrl: app.baseUrl, process: 7n, epoch: 0n }
    const sender = { baseUrl: other.baseUrl, process: 7n }
    const signed = signing.signRequest(sender, receiver, 1n, payload, SECRET)
    assert.equal((await postRaw(app.baseUrl, { v2: payload }, signed.header)).status, 401)
  })

  test('with SHAZBOT_PROBE_INTERVAL=0 it neither challenges nor signs', async (t) => {
    const peer = await createNativePeer(t)
    const env = { SHAZBOT_GOSSIP_INTERVAL: '0.2', SHAZBOT_PROBE_INTERVAL: '0' }
    const { app } = await startSubject(t, { servers: [peer.entry(aWhileAgo())], env })
    await eventually(() => peer.gossips.length >= 5, { what: 'messages' })
    await app.leave()
    for (const { headers, json } of peer.gossips)
      assert.deepEqual([headers.authorization, json.v2], [SECRET, undefined])
    for (const { headers } of peer.listRequests) assert.equal(headers.authorization, undefined)
  })

  test('SHAZBOT_LEGACY=off needs the native extension', async (t) => {
    await assert.rejects(
      startSubject(t, { env: { SHAZBOT_LEGACY: 'off', SHAZBOT_PROBE_INTERVAL: '0' } }),
      /SHAZBOT_PROBE_INTERVAL must be above 0/,
    )
  })

  test('the control secret is raw under every policy', async (t) => {
    const { app } = await startSubject(t, { env: { ...OFF, ...QUIET } })
    await app.drain()
    const { json } = await getList(app.baseUrl, CONTROL_SECRET)
    assert.deepEqual(urlsOf(json.offline), [app.baseUrl])
    assert.equal((await postGossip(app.baseUrl, {})).status, 401)
    assert.equal((await challenge(app.baseUrl)).baseUrl, app.baseUrl, 'a drained server proves itself')
  })
})
