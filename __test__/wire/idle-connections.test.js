'use strict'

const { describe, test } = require('node:test')
const assert = require('node:assert/strict')
const http = require('node:http')
const https = require('node:https')
const net = require('node:net')
const { certificate, fixture } = require('../support/certificates')
const { createRawServer, bytes, healthy } = require('../support/raw-server')
const { freePort } = require('../support/ports')
const { startSubject } = require('../support/subject')
const { aWhileAgo, entry, isOnline } = require('../support/entries')
const { eventually } = require('../support/eventually')
const { passOn } = require('../support/tcp-proxy')

/** Pauses between rounds in seconds; they vary by a tenth. */
const PACES = ['0.5', '2.2', '4.6']

/** Without the native extension, whose timeouts are short. */
const PLAIN = { SHAZBOT_PROBE_INTERVAL: '0' }

/** A legacy peer on Node's own server with these options. */
async function createNodePeer(t, options, createServer = http.createServer) {
  const peer = { gossips: 0, connections: 0 }
  const server = createServer(options, (request, response) => {
    if (request.method === 'POST') peer.gossips++
    request.resume()
    const list = { online: [entry(peer.baseUrl)], offline: [] }
    response.setHeader('Content-Type', 'application/json')
    response.end(JSON.stringify({ message: 'gossip', ...list }))
  })
  server.on(createServer === https.createServer ? 'secureConnection' : 'connection', () => peer.connections++)
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve))
  t.after(() => {
    server.close()
    server.closeAllConnections()
  })
  const scheme = createServer === https.createServer ? 'https' : 'http'
  peer.baseUrl = `${scheme}://127.0.0.1:${server.address().port}/`
  return peer
}

/** A legacy peer below HTTP, which closes each connection some time after a response. */
async function createClosingPeer(t, { after, head = {}, close = (socket) => socket.end() }) {
  const peer = await createRawServer(t, (_, { socket }) => {
    clearTimeout(socket.closing)
    socket.closing = setTimeout(close, after(), socket)
    const list = { online: [entry(`${peer.origin}/`)], offline: [] }
    return bytes({ headers: head, body: { message: 'gossip', ...list } })
  })
  return Object.assign(peer, { baseUrl: `${peer.origin}/` })
}

/** Starts a server for each pace; resolves when they have sent that many rounds in all. */
async function gossipAtAllPaces(t, peer, rounds, env = {}) {
  const servers = [entry(peer.baseUrl, aWhileAgo())]
  const apps = await Promise.all(
    PACES.map(async (pace) => {
      const settings = { ...PLAIN, SHAZBOT_GOSSIP_INTERVAL: pace, ...env }
      return (await startSubject(t, { servers, env: settings })).app
    }),
  )
  const sent = () => peer.gossips ?? peer.requests.filter(({ method }) => method === 'POST').length
  await eventually(() => sent() >= rounds, { within: 120_000, what: `${rounds} rounds` })
  return apps
}

async function assertNoFailure(apps, baseUrl) {
  for (const app of apps) {
    assert.equal(app.output('stderr'), '', 'nothing was logged')
    const list = await app.list()
    assert.ok(isOnline(list, baseUrl))
    assert.deepEqual(list.offline, [])
    const metrics = await app.metrics()
    assert.equal(metrics.sum('requests_total', { outcome: 'failed' }), 0)
  }
}

/** A proxy in front of a server, which closes connections about when the next request is due. */
async function createHastyProxy(t, target, pause) {
  const proxy = { closed: 0 }
  const sockets = new Set()
  const server = net.createServer((socket) => {
    const onward = passOn(socket, target, sockets)
    let closing
    onward.on('data', () => {
      clearTimeout(closing)
      closing = setTimeout(() => {
        proxy.closed++
        if (proxy.closed % 2) socket.end()
        else socket.resetAndDestroy()
      }, pause())
    })
    socket.on('close', () => onward.destroy())
    onward.on('close', () => {
      clearTimeout(closing)
      socket.destroy()
    })
  })
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve))
  t.after(() => {
    server.close()
    for (const socket of sockets) socket.destroy()
  })
  return Object.assign(proxy, { baseUrl: `http://127.0.0.1:${server.address().port}/` })
}

describe('wire: idle connections', { concurrency: 5 }, () => {
  for (const keepAliveTimeout of [0, 1_000, 5_000, 72_000]) {
    test(`a Node server that keeps them for ${keepAliveTimeout} ms never fails`, async (t) => {
      const peer = await createNodePeer(t, { keepAliveTimeout })
      const apps = await gossipAtAllPaces(t, peer, 40)
      await assertNoFailure(apps, peer.baseUrl)
    })
  }

  test('a Node server keeps the connections of rounds within its timeout', async (t) => {
    const peer = await createNodePeer(t, {})
    const servers = [entry(peer.baseUrl, aWhileAgo())]
    const { app } = await startSubject(t, { servers, env: { ...PLAIN, SHAZBOT_GOSSIP_INTERVAL: '3' } })
    await eventually(() => peer.gossips >= 6, { within: 60_000, what: 'rounds' })
    // Inquiries have connections of their own.
    assert.ok(peer.connections <= 3, `${peer.connections} connections`)
    await assertNoFailure([app], peer.baseUrl)
  })

  test('TLS connections are kept and closed in the same way', async (t) => {
    const peer = await createNodePeer(t, certificate('issued'), https.createServer)
    const apps = await gossipAtAllPaces(t, peer, 40, { NODE_EXTRA_CA_CERTS: fixture('ca.pem') })
    await assertNoFailure(apps, peer.baseUrl)
  })

  const closings = {
    'closes them after 1 s, unannounced': { after: () => 1_000 },
    'resets them after 1 s, unannounced': { after: () => 1_000, close: (socket) => socket.resetAndDestroy() },
    'promises 5 s and closes them after 3 s': { after: () => 3_000, head: { 'Keep-Alive': 'timeout=5' } },
    'promises 5 s and closes them at any time': {
      after: () => Math.random() * 5_000,
      head: { 'Keep-Alive': 'timeout=5, max=1000' },
    },
    'promises 1 s and closes them after 1 s': { after: () => 1_000, head: { 'Keep-Alive': 'timeout=1' } },
  }
  for (const [what, how] of Object.entries(closings)) {
    test(`a server that ${what} never fails`, async (t) => {
      const peer = await createClosingPeer(t, how)
      await assertNoFailure(await gossipAtAllPaces(t, peer, 40), peer.baseUrl)
    })
  }

  test('a server of HTTP/1.0 gets a connection for each request', async (t) => {
    const peer = await createRawServer(t, (_, { socket }) => {
      const response = healthy(`${peer.origin}/`).toString('latin1')
      socket.end(response.replace('HTTP/1.1', 'HTTP/1.0'), 'latin1')
    })
    const baseUrl = `${peer.origin}/`
    const apps = await gossipAtAllPaces(t, Object.assign(peer, { baseUrl }), 40)
    assert.equal(peer.connections.length, peer.requests.length)
    await assertNoFailure(apps, baseUrl)
  })

  test('signed probes survive connections that close while they are on their way', async (t) => {
    const port = await freePort()
    // Probes are due each 200 ms.
    const proxy = await createHastyProxy(t, port, () => 170 + Math.random() * 60)
    const probing = { SHAZBOT_PROBE_INTERVAL: '0.2', SHAZBOT_GOSSIP_INTERVAL: '30' }
    const { app: target, store } = await startSubject(t, {
      port,
      env: { ...probing, SHAZBOT_BASE_URL: proxy.baseUrl },
    })
    store.write([entry(proxy.baseUrl, aWhileAgo())])
    const { app: prober } = await startSubject(t, { store, env: probing })
    await eventually(() => proxy.closed >= 100, { within: 90_000, what: 'closed connections' })
    const [sent, received] = [await prober.metrics(), await target.metrics()]
    assert.ok(sent.of('requests_total{kind="probe",outcome="ok"}') >= 80)
    for (const outcome of ['failed', 'rejected', 'invalid'])
      assert.equal(sent.sum('requests_total', { kind: 'probe', outcome }), 0, outcome)
    const rejected =
      received.sum('received_requests_total') - received.sum('received_requests_total', { outcome: 'ok' })
    assert.equal(rejected, 0, received.text)
    for (const app of [prober, target]) assert.doesNotMatch(app.output('stderr'), /connection/)
  })
})
