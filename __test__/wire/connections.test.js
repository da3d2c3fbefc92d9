'use strict'

const { describe, test } = require('node:test')
const assert = require('node:assert/strict')
const http = require('node:http')
const { createRawServer, healthy } = require('../support/raw-server')
const { startSubject } = require('../support/subject')
const { createFakePeer } = require('../support/fake-peer')
const { aWhileAgo, entry, isOffline, isOnline } = require('../support/entries')
const { eventually, throughout, withTimeout } = require('../support/eventually')

/** The keep-alive timeout of Node's own servers, in ms. */
const NODE_KEEPS_ALIVE = 5_000

/** What a server does with a request on a reused connection, without answering it. */
const NASTY = {
  'ends the connection': ({ socket }) => socket.end(),
  'cuts the connection': ({ socket }) => socket.destroy(),
  'resets the connection': ({ socket }) => socket.resetAndDestroy(),
  'ends in the middle of the headers': ({ socket }) => socket.end('HTTP/1.1 200 OK\r\nContent-'),
  'ends in the middle of the body': ({ socket }) =>
    socket.end('HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{"message":'),
  'resets in the middle of the body': ({ socket }) =>
    socket.write('HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{"mess', () => socket.resetAndDestroy()),
}

const FAST = { SHAZBOT_GOSSIP_INTERVAL: '0.2' }

async function assertNeverDoubted(app, baseUrl) {
  assert.equal(app.output('stderr'), '', 'nothing was logged')
  const list = await app.list()
  assert.ok(isOnline(list, baseUrl))
  assert.deepEqual(list.offline, [])
}

describe('wire: connections', { concurrency: 20 }, () => {
  for (const [what, act] of Object.entries(NASTY)) {
    test(`a server that ${what} on every reuse is never declared dead`, async (t) => {
      const peer = await createRawServer(t, ({ ordinal }, connection) => {
        if (ordinal === 1) return healthy(`${peer.origin}/`)
        act(connection)
      })
      const baseUrl = `${peer.origin}/`
      const { app } = await startSubject(t, { servers: [entry(baseUrl, aWhileAgo())], env: FAST })
      const isRefused = ({ ordinal }) => ordinal > 1
      await eventually(() => peer.requests.filter(isRefused).length >= 8, {
        what: 'many reuses',
      })
      await assertNeverDoubted(app, baseUrl)
    })
  }

  test('a server that closes each connection right after its response, unannounced, is never declared dead', async (t) => {
    const peer = await createRawServer(t, (_, { socket }) => {
      socket.write(healthy(`${peer.origin}/`), () => socket.destroy())
    })
    const baseUrl = `${peer.origin}/`
    const { app } = await startSubject(t, { servers: [entry(baseUrl, aWhileAgo())], env: FAST })
    await eventually(() => peer.requests.length >= 15, { what: 'many rounds' })
    await assertNeverDoubted(app, baseUrl)
  })

  test('a server that closes idle connections just when the next request is due is never declared dead', async (t) => {
    // The pauses between rounds are 180 to 220 ms.
    const peer = await createRawServer(t, ({ ordinal }, { socket }) => {
      if (ordinal > 1) return healthy(`${peer.origin}/`)
      setTimeout(() => socket.end(), 160 + Math.random() * 80)
      return healthy(`${peer.origin}/`)
    })
    const baseUrl = `${peer.origin}/`
    const { app } = await startSubject(t, { servers: [entry(baseUrl, aWhileAgo())], env: FAST })
    await eventually(() => peer.connections.length >= 30, { within: 90_000, what: 'many connections' })
    await assertNeverDoubted(app, baseUrl)
  })

  test('a failure on a new connection is a failure', async (t) => {
    const peer = await createRawServer(t, (_, { socket }) => {
      socket.end()
    })
    const { app } = await startSubject(t, { servers: [entry(`${peer.origin}/`, aWhileAgo())], env: FAST })
    await eventually(
      () => app.output('stderr').includes(`Failed to send gossip message to ${peer.origin}/:`),
      {
        what: 'a log of the failure',
      },
    )
  })

  test('connections are reused', async (t) => {
    const peer = await createRawServer(t, () => healthy(`${peer.origin}/`))
    const servers = [entry(`${peer.origin}/`, aWhileAgo())]
    await startSubject(t, { servers, env: FAST })
    await eventually(() => peer.requests.length >= 12, { what: 'ten rounds' })
    assert.ok(
      peer.connections.length <= 2,
      `${peer.connections.length} connections for ${peer.requests.length} requests`,
    )
  })

  test('idle connections close before a Node server closes them', async (t) => {
    const peer = await createRawServer(t, () => healthy(`${peer.origin}/`))
    const servers = [entry(`${peer.origin}/`, aWhileAgo())]
    await startSubject(t, { servers, env: { SHAZBOT_GOSSIP_INTERVAL: '60' } })
    const idleSince = performance.now()
    await eventually(() => peer.connections.length > 0 && peer.connections.every(({ closed }) => closed), {
      what: 'the end of the idle connection',
    })
    assert.ok(peer.connections.every(({ endedByClient }) => endedByClient))
    assert.ok(peer.connections[0].closedAt - idleSince < NODE_KEEPS_ALIVE, 'before')
  })

  test('repeated list requests do not keep a leaving server alive', async (t) => {
    let isLeaving = false
    const server = http.createServer((request, response) => {
      request.resume()
      if (!isLeaving) {
        const own = [entry(baseUrl)]
        response.end(JSON.stringify({ message: 'gossip', online: own, offline: [] }))
        return
      }
      // It stops listening, then waits for connections with a request in progress.
      if (request.method === 'GET') server.close()
      response.writeHead(401).end('{"error":"Clustershazbot engine not started"}')
    })
    await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve))
    t.after(() => server.closeAllConnections())
    const closed = new Promise((resolve) => server.once('close', resolve))
    const baseUrl = `http://127.0.0.1:${server.address().port}/`
    const { app } = await startSubject(t, { servers: [entry(baseUrl, aWhileAgo())] })
    isLeaving = true
    await app.sendGossip({ offline: [entry(baseUrl, Date.now() + 1_000)] })
    await withTimeout(closed, { within: 20_000, what: 'the end of its last connection' })
    assert.ok(isOffline(await app.list(), baseUrl))
  })

  test('rounds with a Node server never fail at any interval', async (t) => {
    const peer = await createFakePeer(t)
    assert.equal(http.createServer().keepAliveTimeout, NODE_KEEPS_ALIVE)
    const paces = ['0.9', '2.7', '3', '3.3', '4.6', '5', '5.4']
    const apps = await Promise.all(
      paces.map(async (pace) => {
        const env = { SHAZBOT_GOSSIP_INTERVAL: pace }
        return (await startSubject(t, { servers: [peer.entry(aWhileAgo())], env })).app
      }),
    )
    await throughout(() => apps.every((app) => app.output('stderr') === ''), {
      lasting: 20_000,
      every: 500,
      what: 'silence',
    })
    for (const app of apps) await assertNeverDoubted(app, peer.baseUrl)
    assert.ok(peer.gossips.length > 40, `${peer.gossips.length} exchanges`)
  })
})
