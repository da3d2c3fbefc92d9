'use strict'

const assert = require('node:assert/strict')
const diagnostics = require('node:diagnostics_channel')
const { once } = require('node:events')
const http2 = require('node:http2')
const tls = require('node:tls')
const { describe, test } = require('node:test')
const { shazbotHandler } = require('clustershazbot/node')
const { HOSTS } = require('../support/adapter-hosts')
const { certificate, readFixture } = require('../support/certificates')
const { isOnline } = require('../support/entries')
const { CONTROL_SECRET, SECRET } = require('../support/environment')
const { readText, request } = require('../support/http')
const { BASE_URL, challenge, shazbot, start } = require('../support/in-process')
const { extension, signMessage } = require('../support/native')
const { SECURE_HOSTS } = require('../support/secure-hosts')

const REQUIRED = { requireClientCertificate: true, watch: true }
const MATCHED = { requireClientCertificate: true, matchHost: true }

/** A server that asks for certificates, and leaves the decision to the routes. */
const ASKING = certificate('issued', {
  requestCert: true,
  rejectUnauthorized: false,
  ca: [readFixture('ca.pem'), readFixture('other-host.pem')],
})

/** Clients, none of which checks the server's certificate. */
const ISSUED = certificate('issued', { rejectUnauthorized: false })
const OTHER_HOST = certificate('other-host', { rejectUnauthorized: false })
const UNTRUSTED = certificate('self-signed', { rejectUnauthorized: false })
const WITHOUT = { rejectUnauthorized: false }

/** Routes, each with what it accepts. */
const REQUESTS = [
  ['POST', 'gossip', SECRET, { message: 'gossip', online: [] }],
  ['GET', 'list', CONTROL_SECRET],
  ['POST', 'control', CONTROL_SECRET, { message: 'control', online: true }],
  ['GET', 'status', CONTROL_SECRET],
  ['POST', 'servers/control', CONTROL_SECRET, { server: BASE_URL, online: true }],
]

function send(port, secure, [method, route, authorization, body]) {
  const headers = { Authorization: authorization, ...(body && { 'Content-Type': 'application/json' }) }
  const url = `https://127.0.0.1:${port}/clustershazbot/${route}`
  return request(url, { method, headers, secure, body: body && JSON.stringify(body) })
}

const gossip = (port, secure, message) =>
  send(port, secure, ['POST', 'gossip', SECRET, { message: 'gossip', online: [], ...message }])

const from = (baseUrl) => ({ v2: extension(baseUrl) })

/** Sends a signed message of the server at this URL. */
async function signedGossip(port, secure, baseUrl) {
  const { header, message } = signMessage(from(baseUrl), await challenge())
  return send(port, secure, ['POST', 'gossip', header, message])
}

function assertRefused({ status, json }, reason) {
  assert.equal(status, 401)
  assert.match(json.error, reason)
}

for (const [name, host] of Object.entries(SECURE_HOSTS)) {
  describe(`client certificates with ${name}`, () => {
    test('each route requires a trusted one', async (t) => {
      await start(t)
      const port = await host(t, REQUIRED, ASKING)
      for (const each of REQUESTS) {
        const answer = await send(port, ISSUED, each)
        assert.equal(answer.status, 200, answer.text)
        assertRefused(await send(port, WITHOUT, each), /^Unauthorized: .*none was sent/)
        assertRefused(await send(port, UNTRUSTED, each), /^Unauthorized: .*DEPTH_ZERO_SELF_SIGNED_CERT/)
        const [method, route, , body] = each
        if (route !== 'list')
          assertRefused(await send(port, ISSUED, [method, route, 'wrong', body]), /Invalid SHAZBOT_/)
      }
    })

    test('the host of the sender must match', async (t) => {
      await start(t)
      const port = await host(t, MATCHED, ASKING)
      const [here, other] = ['https://127.0.0.1:9/here/', 'https://other.example/']
      assert.equal((await signedGossip(port, ISSUED, here)).status, 200)
      assertRefused(
        await signedGossip(port, ISSUED, other),
        /not valid for the sender's host other\.example$/,
      )
      assert.ok(!isOnline(shazbot.shazbotGetServerList(), other), 'nothing is merged')
      assertRefused(await signedGossip(port, OTHER_HOST, here), /sender's host 127\.0\.0\.1$/)
      assert.equal((await signedGossip(port, OTHER_HOST, other)).status, 200)
      assert.deepEqual(
        [here, other].map((baseUrl) => isOnline(shazbot.shazbotGetServerList(), baseUrl)),
        [true, true],
      )
      for (const message of [{}, { v2: 5 }, { v2: { ...extension(here), me: 5 } }, from('nowhere')])
        assertRefused(await gossip(port, ISSUED, message), /names no sender/)
      assert.equal((await send(port, OTHER_HOST, REQUESTS[2])).status, 200, 'control names no sender')
    })
  })
}

describe('client certificates', () => {
  test('are required before the body is sent', async (t) => {
    await start(t)
    const port = await SECURE_HOSTS['node:https'](t, REQUIRED, ASKING)
    const socket = tls.connect({ port, host: '127.0.0.1', ...WITHOUT })
    const head = ['POST /clustershazbot/gossip HTTP/1.1', 'Host: a', `Authorization: ${SECRET}`]
    socket.write(
      `${[...head, 'Content-Type: application/json', 'Content-Length: 5000'].join('\r\n')}\r\n\r\n`,
    )
    const [answer] = await once(socket, 'data')
    assert.match(answer.toString(), /^HTTP\/1\.1 401 [\s\S]*\r\nConnection: close\r\n/)
    socket.destroy()
  })

  test('are required of a client that resumes a session without one', async (t) => {
    await start(t)
    const port = await SECURE_HOSTS['node:https'](t, REQUIRED, { ...ASKING, minVersion: 'TLSv1.3' })
    const first = tls.connect({ port, host: '127.0.0.1', ...WITHOUT })
    const [session] = await once(first, 'session')
    first.destroy()
    assertRefused(await send(port, { ...WITHOUT, session }, REQUESTS[0]), /none was sent/)
  })

  test('belong to the connection of an HTTP/2 request', async (t) => {
    await start(t)
    const port = await SECURE_HOSTS['node:http2'](t, MATCHED, ASKING)
    const over = async (secure, message) => {
      const client = http2.connect(`https://127.0.0.1:${port}`, secure)
      t.after(() => client.close())
      const answers = []
      // Two on one connection.
      for (let count = 0; count < 2; count++) {
        const stream = client.request({
          ':method': 'POST',
          ':path': '/clustershazbot/gossip',
          authorization: SECRET,
          'content-type': 'application/json',
        })
        stream.end(JSON.stringify({ message: 'gossip', online: [], ...message }))
        const [headers] = await once(stream, 'response')
        answers.push([headers[':status'], await readText(stream)])
      }
      assert.deepEqual(answers[0][0], answers[1][0])
      return { status: answers[0][0], json: JSON.parse(answers[0][1]) }
    }
    assertRefused(await over(WITHOUT, from('https://127.0.0.1/')), /none was sent/)
    assert.equal((await over(ISSUED, from('https://127.0.0.1/'))).status, 200)
    assertRefused(await over(ISSUED, from('https://other.example/')), /other\.example/)
  })

  test('cannot be checked without TLS, or if the server requests none', async (t) => {
    await start(t)
    const port = await SECURE_HOSTS['node:https'](t, REQUIRED, certificate('issued'))
    for (const each of REQUESTS)
      assertRefused(await send(port, ISSUED, each), /this server requests none: it needs .* requestCert/)
    for (const host of ['node:http', 'fastify', 'nest 12']) {
      const baseUrl = await HOSTS[host](t, REQUIRED)
      assertRefused(await request(`${baseUrl}clustershazbot/list`), /does not use TLS/)
    }
  })

  test('are valid for a host by their alternative names only', async (t) => {
    await start(t)
    const ca = readFixture('common-name.pem')
    const port = await SECURE_HOSTS['node:https'](t, MATCHED, { ...ASKING, ca })
    const client = certificate('common-name', WITHOUT)
    assertRefused(await gossip(port, client, from('https://localhost/')), /host localhost/)
  })

  test('that are missing or of another host are audited as such', async (t) => {
    await start(t)
    const port = await SECURE_HOSTS['node:https'](t, MATCHED, ASKING)
    const published = []
    const receive = (message) => published.push(message)
    diagnostics.subscribe('clustershazbot:security', receive)
    t.after(() => diagnostics.unsubscribe('clustershazbot:security', receive))
    for (const each of REQUESTS) await send(port, WITHOUT, each)
    await gossip(port, ISSUED, from('https://other.example/'))
    const expected = ['gossip', 'list', 'control', 'gossip'].map((route) => {
      return { reason: 'certificate', address: '127.0.0.1', route }
    })
    assert.deepEqual(published, expected)
  })

  test('are not required by default', async (t) => {
    await start(t)
    const port = await SECURE_HOSTS['node:https'](t, { watch: true }, ASKING)
    for (const each of REQUESTS) assert.equal((await send(port, WITHOUT, each)).status, 200)
  })

  test('matchHost needs requireClientCertificate', () => {
    const error = { name: 'RangeError', message: /option matchHost needs requireClientCertificate/ }
    assert.throws(() => shazbotHandler({ matchHost: true }), error)
  })
})
