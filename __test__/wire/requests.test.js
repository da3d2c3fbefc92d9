'use strict'

const { describe, test } = require('node:test')
const assert = require('node:assert/strict')
const { createRawServer, bytes, healthy } = require('../support/raw-server')
const { startSubject } = require('../support/subject')
const { SECRET, CONTROL_SECRET, UPLOAD_AUTH } = require('../support/environment')
const { aWhileAgo, entry } = require('../support/entries')
const { eventually } = require('../support/eventually')
const { request: send } = require('../support/http')
const { PROCESS } = require('../support/native')
const signing = require('../support/signing')

const LATIN_1 = 'pässwörd ÿ'

const servers = (list) => bytes({ body: { online: list } })

const isGossip = ({ method, target }) => method === 'POST' && target.endsWith('/clustershazbot/gossip')

/** A healthy peer below HTTP, at its own path. */
async function createRawPeer(t, path = '/') {
  const peer = await createRawServer(t, () => healthy(`${peer.origin}${path}`))
  return Object.assign(peer, { baseUrl: `${peer.origin}${path}` })
}

/** The same, which proves itself. */
async function createRawNativePeer(t) {
  const peer = await createRawServer(t, (request) => {
    const nonce = signing.readChallenge(request.header('authorization'))
    if (!nonce) return healthy(peer.baseUrl)
    const proof = signing.prove(nonce, { baseUrl: peer.baseUrl, process: PROCESS }, SECRET)
    return bytes({ body: { online: [], proof } })
  })
  return Object.assign(peer, { baseUrl: `${peer.origin}/` })
}

/** A master list below HTTP, which records its requests. */
function createRawStore(t, list = []) {
  return createRawServer(t, ({ method }) => (method === 'GET' ? servers(list) : bytes()))
}

const stored = (store, path = '/servers.json') => ({ store: { url: `${store.origin}${path}` } })

const names = ({ headers }) => headers.map(([name]) => name)

function assertOnce(request, name, value) {
  assert.deepEqual(
    request.headers.filter(([key]) => key === name),
    [[name, value]],
    `${name} in:\n${request.head}`,
  )
}

function assertGossip(gossip, peer, authorization = SECRET) {
  assert.equal(gossip.target, '/clustershazbot/gossip')
  assert.equal(gossip.version, 'HTTP/1.1')
  assertOnce(gossip, 'host', `127.0.0.1:${peer.port}`)
  assertOnce(gossip, 'content-type', 'application/json')
  assertOnce(gossip, 'authorization', authorization)
  assertOnce(gossip, 'content-length', String(gossip.body.length))
  for (const name of ['transfer-encoding', 'expect', 'cookie', 'upgrade', 'if-match', 'if-none-match']) {
    assert.ok(!names(gossip).includes(name), `${name} in:\n${gossip.head}`)
  }
}

describe('wire: requests, byte for byte', { concurrency: 6 }, () => {
  test('gossip is a POST of JSON with the raw secret', async (t) => {
    const peer = await createRawPeer(t)
    const store = await createRawStore(t, [entry(peer.baseUrl, aWhileAgo())])
    const env = { SHAZBOT_PROBE_INTERVAL: '0' }
    const { app } = await startSubject(t, { ...stored(store), env })

    const [gossip] = peer.requests.filter(isGossip)
    assertGossip(gossip, peer)

    assert.deepEqual(Object.keys(gossip.json), ['message', 'online', 'offline'])
    assert.equal(gossip.json.message, 'gossip')
    assert.deepEqual(
      gossip.json.online.map(({ baseUrl }) => baseUrl).sort(),
      [app.baseUrl, peer.baseUrl].sort(),
    )
    assert.deepEqual(gossip.json.offline, [])
    for (const server of gossip.json.online) {
      assert.deepEqual(Object.keys(server), ['baseUrl', 'monitor', 'lastUpdate'])
      assert.equal(typeof server.monitor, 'boolean')
      assert.ok(Number.isSafeInteger(server.lastUpdate), String(server.lastUpdate))
    }
    assert.equal(gossip.text, JSON.stringify(gossip.json), 'no whitespace, no other number format')
  })

  test('a challenge is a GET of the list with a nonce', async (t) => {
    const peer = await createRawPeer(t)
    const store = await createRawStore(t, [entry(peer.baseUrl, aWhileAgo())])
    await startSubject(t, stored(store))
    const [challenge] = peer.requests
    assert.equal(`${challenge.method} ${challenge.target}`, 'GET /clustershazbot/list')
    assertOnce(challenge, 'host', `127.0.0.1:${peer.port}`)
    assert.match(challenge.header('authorization'), /^Shazbot-Challenge [\w-]{22}$/)
    for (const name of ['content-type', 'content-length', 'transfer-encoding', 'cookie', 'if-none-match'])
      assert.ok(!names(challenge).includes(name), `${name} in:\n${challenge.head}`)
  })

  test('signed gossip is a POST of JSON without the secret', async (t) => {
    const peer = await createRawNativePeer(t)
    const store = await createRawStore(t, [entry(peer.baseUrl, aWhileAgo())])
    const { app } = await startSubject(t, stored(store))
    const [gossip] = peer.requests.filter(isGossip)
    const signature = gossip.header('authorization')
    assertGossip(gossip, peer, signature)
    const { v2 } = gossip.json
    assert.equal(gossip.text, `{"message":"gossip","online":[],"offline":[],"v2":"${v2}"}`)
    assert.match(v2, /^[\w-]+$/)
    const receiver = { baseUrl: peer.baseUrl, process: PROCESS }
    const { sender, freshness } = signing.verifyRequest(signature, receiver, v2, SECRET)
    assert.deepEqual([sender.baseUrl, freshness], [app.baseUrl, 'e0'])
    assert.ok(!gossip.head.includes(SECRET))
  })

  test('gossip with a possibly native peer is the same, plus v2', async (t) => {
    const peer = await createRawPeer(t)
    const store = await createRawStore(t, [entry(peer.baseUrl, aWhileAgo())])
    const { app } = await startSubject(t, stored(store))

    const [gossip] = peer.requests.filter(isGossip)
    assertGossip(gossip, peer)
    assert.deepEqual(Object.keys(gossip.json), ['message', 'online', 'offline', 'v2'])
    const { v2, ...plain } = gossip.json
    assert.deepEqual(plain.online.map(({ baseUrl }) => baseUrl).sort(), [app.baseUrl, peer.baseUrl].sort())
    for (const server of plain.online)
      assert.deepEqual(Object.keys(server), ['baseUrl', 'monitor', 'lastUpdate'])

    assert.equal(Object.keys(v2)[0], 'nonce')
    assert.match(v2.nonce, /^[\w-]{22}$/)
    const [baseUrl, state, incarnation, lastUpdate, monitor, ...more] = v2.me
    assert.deepEqual([baseUrl, state, monitor, more], [app.baseUrl, 'alive', 0, []])
    assert.equal(lastUpdate, plain.online.find((server) => server.baseUrl === app.baseUrl).lastUpdate)
    assert.ok(Number.isSafeInteger(incarnation) && Number.isSafeInteger(v2.living))
    assert.match(v2.id, /^[0-9a-f]{1,16}$/)
    assert.match(v2.hash, /^[0-9a-f]{1,16}$/)
    assert.ok(['push', 'probe', 'sync'].includes(v2.kind), v2.kind)
    assert.equal(gossip.text, JSON.stringify(gossip.json), 'no whitespace, no other number format')
  })

  test('offline servers are in the offline list of gossip', async (t) => {
    const peer = await createRawPeer(t)
    const store = await createRawStore(t, [entry(peer.baseUrl, aWhileAgo())])
    const { app } = await startSubject(t, stored(store))
    const gone = entry('http://127.0.0.1:9/', Date.now() - 1000)
    await app.sendGossip({ offline: [gone] })
    const gossip = await eventually(
      () => peer.requests.filter(isGossip).find(({ json }) => json.offline.length),
      {
        what: 'a gossip with a tombstone',
      },
    )
    assert.deepEqual(gossip.json.offline, [gone])
  })

  test('the download is a bare GET without authorization', async (t) => {
    const store = await createRawStore(t)
    await startSubject(t, stored(store, '/lists/servers.json'))
    const [download] = store.requests
    assert.equal(download.method, 'GET')
    assert.equal(download.target, '/lists/servers.json')
    assertOnce(download, 'host', `127.0.0.1:${store.port}`)
    for (const name of ['authorization', 'content-type', 'content-length', 'transfer-encoding', 'cookie']) {
      assert.ok(!names(download).includes(name), `${name} in:\n${download.head}`)
    }
    // A store may give each coding a validator of its own.
    assertOnce(download, 'accept-encoding', 'identity')
  })

  test('the upload is a PUT of the online list with the raw upload authorization', async (t) => {
    const store = await createRawStore(t)
    const env = { SHAZBOT_MASTER_ANNOUNCE_MINIMUM: '0', SHAZBOT_MASTER_ANNOUNCE_INTERVAL: '0' }
    const { app } = await startSubject(t, { ...stored(store), env })
    await app.sendGossip({ offline: [entry('http://127.0.0.1:9/', Date.now() - 1000)] })

    const upload = await eventually(() => store.requests.find(({ method }) => method === 'PUT'), {
      what: 'an upload',
    })
    assert.equal(upload.target, '/servers.json')
    assertOnce(upload, 'authorization', UPLOAD_AUTH)
    assertOnce(upload, 'content-type', 'application/json')
    assertOnce(upload, 'content-length', String(upload.body.length))
    for (const name of ['transfer-encoding', 'expect', 'if-match', 'if-none-match']) {
      assert.ok(!names(upload).includes(name), `${name} in:\n${upload.head}`)
    }
    assert.deepEqual(Object.keys(upload.json), ['online'])
    assert.deepEqual(
      upload.json.online.map(({ baseUrl }) => baseUrl),
      [app.baseUrl],
    )
    assert.deepEqual(Object.keys(upload.json.online[0]), ['baseUrl', 'monitor', 'lastUpdate'])
  })

  test('download and upload go to their own URLs', async (t) => {
    const from = await createRawStore(t)
    const to = await createRawStore(t)
    const env = {
      SHAZBOT_MASTER_LIST_UPDATE: `${to.origin}/upload?here`,
      SHAZBOT_UPDATE_MASTER_LIST_ON_SHUTDOWN: 'true',
      SHAZBOT_MASTER_ANNOUNCE_MINIMUM: '0',
      SHAZBOT_MASTER_ANNOUNCE_INTERVAL: '0',
    }
    await startSubject(t, { ...stored(from), env })
    await eventually(() => to.requests.length > 0, { what: 'an upload' })
    assert.deepEqual([to.requests[0].method, to.requests[0].target], ['PUT', '/upload?here'])
    assert.ok(from.requests.every(({ method }) => method === 'GET'))
  })

  test('headers are sent and received as Latin-1', async (t) => {
    const peer = await createRawPeer(t)
    const store = await createRawStore(t, [entry(peer.baseUrl, aWhileAgo())])
    const env = {
      SHAZBOT_SECRET: LATIN_1,
      SHAZBOT_CONTROL_SECRET: `${LATIN_1} control`,
      SHAZBOT_MASTER_LIST_UPDATE_AUTH: `Bearer ${LATIN_1}`,
      SHAZBOT_MASTER_ANNOUNCE_MINIMUM: '0',
      SHAZBOT_MASTER_ANNOUNCE_INTERVAL: '0',
    }
    const { app } = await startSubject(t, { ...stored(store), env })
    assertOnce(peer.requests.find(isGossip), 'authorization', LATIN_1)
    const upload = await eventually(() => store.requests.find(({ method }) => method === 'PUT'), {
      what: 'an upload',
    })
    assertOnce(upload, 'authorization', `Bearer ${LATIN_1}`)

    // Node sends the headers as UTF-8 if the body is a string.
    const body = Buffer.from(JSON.stringify({ message: 'gossip', online: [] }))
    const headers = { 'Content-Type': 'application/json', Authorization: LATIN_1 }
    const url = `${app.baseUrl}clustershazbot/gossip`
    assert.equal((await send(url, { method: 'POST', headers, body })).status, 200)
    const utf8 = Buffer.from(LATIN_1, 'utf8').toString('latin1')
    const wrong = await send(url, { method: 'POST', headers: { ...headers, Authorization: utf8 }, body })
    assert.equal(wrong.status, 401, 'UTF-8 bytes are another secret')
  })

  test('a peer at a path is contacted below that path, even without a final slash', async (t) => {
    const [plain, bare] = [await createRawPeer(t, '/apps/one/'), await createRawPeer(t, '/apps/two')]
    const list = [plain, bare].map(({ baseUrl }) => entry(baseUrl, aWhileAgo()))
    const store = await createRawStore(t, list)
    const { app } = await startSubject(t, stored(store))
    assert.equal(plain.requests.find(isGossip).target, '/apps/one/clustershazbot/gossip')
    assert.equal(bare.requests.find(isGossip).target, '/apps/two/clustershazbot/gossip')
    const shown = (await app.call('shazbotGetServerList')).online.map(({ baseUrl }) => baseUrl)
    assert.ok(shown.includes(`${bare.baseUrl}/`), `a final slash is added: ${shown}`)
  })

  test('its own base URL may have a path, and gets a final slash', async (t) => {
    const peer = await createRawPeer(t)
    const store = await createRawStore(t, [entry(peer.baseUrl, aWhileAgo())])
    const env = { SHAZBOT_BASE_URL: 'http://127.0.0.1:3999/apps/me' }
    await startSubject(t, { ...stored(store), env })
    const { online } = peer.requests.find(isGossip).json
    assert.ok(online.some(({ baseUrl }) => baseUrl === 'http://127.0.0.1:3999/apps/me/'))
  })

  test('the URL of a master list is sent as by fetch', async (t) => {
    const presigned = [
      '/bucket/a%2Fb/servers.json?X-Amz-Credential=AKIA%2F20250101%2Fus-east-1&X-Amz-Signature=0a%2b+~*()!$,;:@/?==',
      '/servers.json?sig=%7e%7E%c3%a4&empty=&flag&&a=1&a=2&b[]=1&c={x}|^`',
      '/servers%20list.json?se=2025-01-01T00%3A00%3A00Z&q=%22%27%3C%3E',
      '/a/./b//c.json?token=a=b',
      "/list.json?quote='&space= &umlaut=ä#fragment",
      '?only=query',
    ]
    const store = await createRawStore(t)
    for (const path of presigned) {
      const seen = store.requests.length
      await (await fetch(`${store.origin}${path}`)).text()
      const { app } = await startSubject(t, stored(store, path))
      await app.kill()
      const [byFetch, byEngine] = store.requests.slice(seen)
      assert.equal(byEngine.target, byFetch.target)
    }
    assert.equal(store.requests[1].target, presigned[0], 'byte for byte')
    assert.equal(store.requests[3].target, presigned[1], 'byte for byte')
  })

  test('user info in the URL of a download becomes Basic authorization, and is not part of the target', async (t) => {
    const store = await createRawStore(t)
    const url = `http://user:pass@127.0.0.1:${store.port}/servers.json`
    await startSubject(t, {
      store: { url },
      env: { SHAZBOT_MASTER_LIST_UPDATE: `${store.origin}/servers.json` },
    })
    assert.equal(store.requests[0].target, '/servers.json')
    assertOnce(store.requests[0], 'authorization', `Basic ${Buffer.from('user:pass').toString('base64')}`)
  })

  test('the list of a server is requested without a secret', async (t) => {
    const peer = await createRawPeer(t)
    const store = await createRawStore(t)
    const { app } = await startSubject(t, { ...stored(store), env: { SHAZBOT_GOSSIP_INTERVAL: '60' } })
    await app.sendGossip({ online: [entry(peer.baseUrl, aWhileAgo())] })
    const inquiry = await eventually(() => peer.requests.find(({ method }) => method === 'GET'), {
      what: 'a verification',
    })
    assert.equal(inquiry.target, '/clustershazbot/list')
    assert.ok(!inquiry.head.includes(SECRET) && !inquiry.head.includes(CONTROL_SECRET), inquiry.head)
    for (const name of ['content-length', 'transfer-encoding', 'content-type'])
      assert.ok(!names(inquiry).includes(name))
  })
})
