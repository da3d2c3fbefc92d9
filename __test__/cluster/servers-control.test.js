'use strict'

/** Control requests that a server passes on to another one. */

const assert = require('node:assert/strict')
const http = require('node:http')
const { describe, test } = require('node:test')
const { shazbotHandler } = require('clustershazbot/node')
const { listen } = require('../support/adapter-hosts')
const { aWhileAgo, entry, isOffline, isOnline } = require('../support/entries')
const { CONTROL_SECRET, SECRET } = require('../support/environment')
const { eventually } = require('../support/eventually')
const { createFakePeer } = require('../support/fake-peer')
const { getList, request } = require('../support/http')
const { gossip, shazbot, start } = require('../support/in-process')
const { FAST, startMixedCluster } = require('../support/mixed-cluster')
const { createScriptedServer } = require('../support/scripted-server')
const signing = require('../support/signing')

const OPERATOR = { baseUrl: 'http://127.0.0.1:9/operator/', process: 0x0f_f1_ceen }

/** Starts the engine behind an adapter with the route. */
async function startServer(t, { servers = [], store, env = {} } = {}) {
  const baseUrl = await listen(t, http.createServer(shazbotHandler({ watch: true })))
  const variables = { SHAZBOT_BASE_URL: baseUrl, SHAZBOT_READ_SECRET: 'read-secret-of-the-tests', ...env }
  const own = entry(baseUrl)
  await start(t, { ...(store ? { store } : { servers: [own, ...servers] }), env: variables })
  return baseUrl
}

function post(baseUrl, body, authorization = CONTROL_SECRET) {
  return request(`${baseUrl}clustershazbot/servers/control`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json', Authorization: authorization },
    body: typeof body === 'string' ? body : JSON.stringify(body),
  })
}

/** What the status of a server tells of another one. */
async function statusOf(baseUrl, server) {
  const { json } = await request(`${baseUrl}clustershazbot/status`, {
    headers: { Authorization: CONTROL_SECRET },
  })
  return json.servers.find((other) => other.baseUrl === server)
}

const speaks = (baseUrl, server, language) =>
  eventually(async () => (await statusOf(baseUrl, server))?.language === language, {
    what: `${server} is ${language}`,
  })

/** Starts a peer of version 1 that the engine has exchanged with, and the engine. */
async function startBesideLegacy(t, env) {
  const peer = await createFakePeer(t)
  const baseUrl = await startServer(t, { servers: [peer.entry(aWhileAgo())], env })
  await speaks(baseUrl, peer.baseUrl, 'legacy')
  return { peer, baseUrl }
}

/** The headers of all requests that a peer has received. */
const sentHeaders = ({ requests }) => requests.map(({ headers }) => headers.authorization)

describe('a control request to a server', () => {
  test('is passed on: signed to native servers, raw to those of version 1', async (t) => {
    const cluster = await startMixedCluster(t, { natives: 1, legacies: 1 })
    const [native, legacy] = cluster.apps
    const baseUrl = await startServer(t, { store: cluster.store, env: FAST })
    await speaks(baseUrl, native.baseUrl, 'native')
    await speaks(baseUrl, legacy.baseUrl, 'legacy')
    for (const { baseUrl: server } of [native, legacy]) {
      for (const online of [false, true]) {
        const { status, json } = await post(baseUrl, { server, online }, `Bearer ${CONTROL_SECRET}`)
        assert.deepEqual([status, json], [200, { success: true }])
        const { json: list } = await getList(server)
        assert.ok((online ? isOnline : isOffline)(list, server), `${server} ${online}`)
      }
    }
    // Other spellings of the URL name the same server.
    const { status } = await post(baseUrl, { server: native.baseUrl.slice(0, -1), online: false })
    assert.equal(status, 200)
  })

  test('never shows the control secret to a server that proves the secret', async (t) => {
    const identity = { process: 7n, epoch: 0n, sequence: 0n }
    const peer = await createFakePeer(t)
    peer.onList = ({ headers }) => {
      const nonce = signing.readChallenge(headers.authorization)
      if (!nonce) return undefined
      identity.sequence++
      const proof = signing.prove(nonce, { baseUrl: peer.baseUrl, ...identity }, SECRET)
      return { body: { online: [peer.entry()], proof } }
    }
    const baseUrl = await startServer(t)
    await gossip({ online: [peer.entry(aWhileAgo())] })
    assert.equal((await post(baseUrl, { server: peer.baseUrl, online: false })).status, 200)
    const [{ headers, json }] = peer.controls
    assert.ok(signing.isSigned(headers.authorization))
    assert.deepEqual(JSON.parse(Buffer.from(json.v2, 'base64url')), { message: 'control', online: false })
    // It rejects each signature.
    peer.onControl = () => ({ status: 401, body: { error: 'Unauthorized: Invalid signature' } })
    const rejected = await post(baseUrl, { server: peer.baseUrl, online: false })
    assert.deepEqual([rejected.status, rejected.json.status], [502, 401])
    assert.equal(peer.controls.length, 5)
    // It proves the secret no more.
    peer.onList = undefined
    const unproved = await post(baseUrl, { server: peer.baseUrl, online: false })
    assert.deepEqual([unproved.status, unproved.json.status], [502, undefined])
    assert.ok(!sentHeaders(peer).includes(CONTROL_SECRET))
  })

  test('is answered with the status of a server that does not accept it', async (t) => {
    const { peer, baseUrl } = await startBesideLegacy(t)
    const elsewhere = await createScriptedServer(t, () => ({ body: { success: true } }))
    const redirect = (status) => ({ status, headers: { Location: `${elsewhere.origin}/x` }, body: '' })
    for (const [answer, status] of [
      [{ status: 500, body: { error: 'broken' } }, 500],
      [{ status: 401, body: { error: 'Unauthorized' } }, 401],
      [{ status: 404, body: 'Not found' }, 404],
      [{ status: 200, body: '<html>Please log in</html>' }, 200],
      [{ status: 200, body: '' }, 200],
      [redirect(302), 302],
      [redirect(307), 307],
      [redirect(308), 308],
    ]) {
      peer.onControl = () => answer
      const { status: own, json } = await post(baseUrl, { server: peer.baseUrl, online: false })
      assert.deepEqual([own, json.status], [502, status])
      assert.equal(json.error, `The server has answered with status ${status}`)
    }
    assert.deepEqual(elsewhere.requests, [], 'redirects are not followed')
    assert.equal(peer.controls[0].headers.authorization, CONTROL_SECRET)
    assert.deepEqual(peer.controls[0].json, { message: 'control', online: false })
  })

  test('is given up after 5 s', async (t) => {
    const { peer, baseUrl } = await startBesideLegacy(t)
    const hanging = await createScriptedServer(t, () => () => {})
    await gossip({ online: [entry(`${hanging.origin}/`, aWhileAgo())] })
    peer.onControl = () => () => {}
    for (const server of [peer.baseUrl, `${hanging.origin}/`]) {
      const began = performance.now()
      const { status, json } = await post(baseUrl, { server, online: false })
      assert.deepEqual([status, json], [504, { error: 'The server has not answered within 5 s' }])
      const elapsed = performance.now() - began
      assert.ok(elapsed > 4_900 && elapsed < 8_000, `${elapsed} ms`)
    }
    assert.ok(!sentHeaders(hanging).includes(CONTROL_SECRET))
  })

  test('fails if nothing listens there', async (t) => {
    const baseUrl = await startServer(t)
    const server = 'http://127.0.0.1:9/closed/'
    await gossip({ online: [entry(server, aWhileAgo())] })
    const { status, json } = await post(baseUrl, { server, online: false })
    assert.deepEqual([status, json], [502, { error: 'The server cannot be reached: connection refused' }])
  })

  test('is carried out here if it names this server', async (t) => {
    const baseUrl = await startServer(t)
    for (const server of [baseUrl, baseUrl.slice(0, -1), baseUrl.toUpperCase().replace('HTTP', 'http')]) {
      for (const online of [false, true]) {
        assert.equal((await post(baseUrl, { server, online })).status, 200)
        assert.equal(isOnline(shazbot.shazbotGetServerList(), baseUrl), online)
      }
    }
  })

  test('is refused for servers that are not on the list', async (t) => {
    const stranger = await createFakePeer(t)
    const baseUrl = await startServer(t)
    const urls = [stranger.baseUrl, '', 'garbage', 'file:///etc/passwd', 'http://u:p@h/', `${baseUrl}x/`]
    for (const server of [...urls, `${baseUrl}?x`, `http://h/${'x'.repeat(2_000)}/`, '<script>']) {
      const { status, json } = await post(baseUrl, { server, online: false })
      assert.deepEqual([status, json], [404, { error: 'The server is not on the list' }], server)
    }
    assert.deepEqual(stranger.requests, [])
  })

  test('never sends the raw secret where SHAZBOT_LEGACY forbids it', async (t) => {
    for (const policy of ['known', 'off']) {
      await t.test(policy, async (t) => {
        const peer = await createFakePeer(t)
        const baseUrl = await startServer(t, { env: { SHAZBOT_LEGACY: policy, ...FAST } })
        // Hearsay: nobody has named it to this server.
        await gossip({ online: [peer.entry(aWhileAgo())] }).catch(() => {})
        const { status } = await post(baseUrl, { server: peer.baseUrl, online: false })
        assert.ok([404, 502].includes(status), `${status}`)
        assert.ok(!sentHeaders(peer).includes(CONTROL_SECRET))
        assert.deepEqual(peer.controls, [])
      })
    }
    await t.test('known, and on the master list', async (t) => {
      const { peer, baseUrl } = await startBesideLegacy(t, { SHAZBOT_LEGACY: 'known', ...FAST })
      assert.equal((await post(baseUrl, { server: peer.baseUrl, online: false })).status, 200)
      assert.deepEqual(peer.controls[0].headers.authorization, CONTROL_SECRET)
    })
  })

  test('needs the control secret and a valid message', async (t) => {
    const baseUrl = await startServer(t)
    for (const secret of ['', SECRET, 'read-secret-of-the-tests', `Basic ${CONTROL_SECRET}`]) {
      const { status, json } = await post(baseUrl, { server: baseUrl, online: false }, secret)
      assert.deepEqual([status, json.error], [401, 'Unauthorized: Invalid SHAZBOT_CONTROL_SECRET'], secret)
    }
    for (const [body, error] of [
      ['{', 'Invalid control message: no JSON'],
      ['[]', 'Invalid control message: the body must be an object, not an array'],
      ['null', 'Invalid control message: the body must be an object, not null'],
      [{ server: baseUrl }, 'Invalid control message: "online" must be true or false, not undefined'],
      [
        { server: baseUrl, online: 'no' },
        'Invalid control message: "online" must be true or false, not of type string',
      ],
      [{ online: false }, 'Invalid control message: "server" must be a base URL'],
      [{ server: [baseUrl], online: false }, 'Invalid control message: "server" must be a base URL'],
    ]) {
      const { status, json } = await post(baseUrl, body)
      assert.deepEqual([status, json], [400, { error }])
    }
    const { status, headers } = await request(`${baseUrl}clustershazbot/servers/control`)
    assert.deepEqual([status, headers.allow], [405, 'POST'])
    assert.ok(isOnline(shazbot.shazbotGetServerList(), baseUrl))
  })

  test('may be signed, and is then no message to this server alone', async (t) => {
    const baseUrl = await startServer(t)
    const sign = async (message) => {
      const { nonce, header } = signing.challenge()
      const { json } = await getList(baseUrl, header)
      const proof = signing.readProof(json.proof, nonce, SECRET)
      const payload = signing.encode(message)
      const signed = signing.signRequest(OPERATOR, proof, proof.sequence, payload, CONTROL_SECRET, 'control')
      return { header: signed.header, body: { message: 'control', v2: payload } }
    }
    const message = { control: { server: baseUrl, online: false } }
    await eventually(
      async () => {
        const { header, body } = await sign(message)
        return (await post(baseUrl, body, header)).status === 200
      },
      { what: 'a signed request is accepted' },
    )
    assert.ok(isOffline(shazbot.shazbotGetServerList(true), baseUrl))
    const again = await sign({ control: { server: baseUrl, online: true } })
    assert.equal((await post(baseUrl, again.body, again.header)).status, 200)
    assert.equal((await post(baseUrl, again.body, again.header)).status, 401, 'once')
    const { header, body } = await sign(message)
    const elsewhere = await request(`${baseUrl}clustershazbot/control`, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json', Authorization: header },
      body: JSON.stringify(body),
    })
    assert.equal(elsewhere.status, 400)
    const plain = await sign({ message: 'control', online: false })
    assert.equal((await post(baseUrl, plain.body, plain.header)).status, 400)
    assert.ok(isOnline(shazbot.shazbotGetServerList(), baseUrl))
  })
})
