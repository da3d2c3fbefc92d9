'use strict'

const assert = require('node:assert/strict')
const { once } = require('node:events')
const http2 = require('node:http2')
const net = require('node:net')
const { describe, test } = require('node:test')
const { startAdapterServer } = require('../support/adapter-server')
const { aWhileAgo, entry } = require('../support/entries')
const { CONTROL_SECRET, SECRET } = require('../support/environment')
const { eventually } = require('../support/eventually')
const { getList, postGossip } = require('../support/http')
const { extension, postMessage } = require('../support/native')

/** Readers of one host. Fewer suffice on the others: separate texts would take 1 GB there too. */
const CONNECTIONS = 300
const FEWER_CONNECTIONS = 50
const REQUESTS = 10
const SERVERS = 20_000
const MOST_GROWTH_MB = 200

const manyEntries = (count, length) =>
  Array.from({ length: count }, (_, index) =>
    entry(`http://127.0.0.1:9/${'x'.repeat(length)}/${index}/`, aWhileAgo()),
  )

/** A connection that has requested the list and reads nothing until told to. */
function openReader(t, port, requests, authorization = '') {
  const socket = net.connect(port, '127.0.0.1').pause()
  t.after(() => socket.destroy())
  const request = `GET /clustershazbot/list HTTP/1.1\r\nHost: a\r\nAuthorization: ${authorization}\r\n\r\n`
  socket.write(request.repeat(requests))
  socket.on('error', () => {})
  return {
    /** Reads everything; resolves with its size once the server has closed the connection. */
    readToEnd() {
      let size = 0
      socket.on('data', (chunk) => {
        size += chunk.length
      })
      const closed = new Promise((resolve) => socket.once('close', () => resolve(size)))
      socket.resume()
      return closed
    },
    /** Reads only the beginning; resolves with the status of the first response. */
    async status() {
      await once(socket, 'readable')
      return Number(socket.read(12).toString().slice(9))
    },
  }
}

describe('readers that read nothing', { concurrency: 3 }, () => {
  for (const [name, connections] of [
    ['node:http', CONNECTIONS],
    ['connect', FEWER_CONNECTIONS],
    ['express 4', FEWER_CONNECTIONS],
    ['express 5', FEWER_CONNECTIONS],
    ['fastify', FEWER_CONNECTIONS],
    ['nest 12', FEWER_CONNECTIONS],
    ['nest 12 on fastify', FEWER_CONNECTIONS],
  ]) {
    test(`cost little on ${name}, and are disconnected`, async (t) => {
      const server = await startAdapterServer(t, name)
      const { text } = await postGossip(server.baseUrl, { online: manyEntries(SERVERS, 40) })
      assert.ok(text.length > 2_000_000)
      await getList(server.baseUrl, '')
      const before = (await server.usage()).current

      const readers = Array.from({ length: connections }, () => openReader(t, server.port, REQUESTS))
      const peer = await postGossip(server.baseUrl, {})
      assert.equal(peer.status, 200)
      assert.ok(peer.json.online.length > 1, 'a peer is answered in full')
      let highest = 0
      const areCutOff = async () => {
        const usage = await server.usage()
        highest = Math.max(highest, usage.highest)
        return usage.sockets === 0
      }
      await eventually(areCutOff, {
        within: 60_000,
        what: 'the readers being disconnected',
      })
      const sizes = await Promise.all(readers.map((reader) => reader.readToEnd()))
      assert.ok(Math.max(...sizes) < (text.length * REQUESTS) / 2, 'none has received everything')

      highest = Math.max(highest, (await server.usage()).highest)
      t.diagnostic(`RSS grew by ${Math.round(highest - before)} MB`)
      assert.ok(highest - before <= MOST_GROWTH_MB, `${highest - before} MB`)
      await eventually(async () => (await server.usage()).current - before < MOST_GROWTH_MB / 2, {
        what: 'memory being released',
      })
      assert.equal((await getList(server.baseUrl, '')).status, 200)
    })
  }

  test('cost little over HTTP/2, and their streams are reset', async (t) => {
    const server = await startAdapterServer(t, 'node:http2')
    const sessions = []
    const connect = () => {
      const session = http2.connect(server.baseUrl).on('error', () => {})
      sessions.push(session)
      return session
    }
    t.after(() => {
      for (const session of sessions) session.destroy()
    })
    const body = JSON.stringify({ online: manyEntries(SERVERS, 40) })
    const posted = connect().request({
      ':method': 'POST',
      ':path': '/clustershazbot/gossip',
      authorization: SECRET,
    })
    posted.end(body)
    const [{ ':status': status }] = await once(posted, 'response')
    for await (const chunk of posted) assert.ok(chunk.length > 0)
    assert.equal(status, 200)
    const before = (await server.usage()).current

    const list = { ':path': '/clustershazbot/list' }
    const firsts = Array.from({ length: CONNECTIONS }, () => {
      const session = connect()
      const streams = Array.from({ length: REQUESTS }, () =>
        session
          .request(list)
          .on('error', () => {})
          .pause(),
      )
      return streams[0]
    })
    // A stream with unread data has no event for its end.
    const areReset = () => firsts.every(({ rstCode }) => rstCode === http2.constants.NGHTTP2_CANCEL)
    await eventually(areReset, { within: 60_000, what: 'the first stream of each session being reset' })
    const { highest } = await server.usage()
    t.diagnostic(`RSS grew by ${Math.round(highest - before)} MB`)
    assert.ok(highest - before <= MOST_GROWTH_MB, `${highest - before} MB`)
    for (const session of sessions) session.destroy()
    await eventually(async () => (await server.usage()).current - before < MOST_GROWTH_MB / 2, {
      what: 'memory being released',
    })
  })
})

test('different texts have a limit, at which outsiders get a 429 and peers an answer', async (t) => {
  const server = await startAdapterServer(t, 'node:http')
  await postGossip(server.baseUrl, { online: manyEntries(SERVERS, 450) })
  const before = (await server.usage()).current
  const statuses = []
  for (let number = 0; number < 12; number++) {
    // Changes the list and has a short response. All of this is faster than the readers' timeout.
    const v2 = extension(`http://127.0.0.1:9/${number}/`)
    assert.equal((await postMessage(server.baseUrl, { v2 })).status, 200)
    statuses.push(await openReader(t, server.port, 1, CONTROL_SECRET).status())
  }
  assert.equal(statuses[0], 200)
  assert.equal(statuses.at(-1), 429, statuses.join(' '))
  const { status, json } = await postGossip(server.baseUrl, {})
  assert.equal(status, 200)
  assert.deepEqual(
    json.online.map(({ baseUrl }) => baseUrl),
    ['http://127.0.0.1:9/me/'],
  )
  const { highest } = await server.usage()
  t.diagnostic(`RSS grew by ${Math.round(highest - before)} MB`)
  assert.ok(highest - before <= MOST_GROWTH_MB, `${highest - before} MB`)
  await eventually(async () => (await getList(server.baseUrl, '')).status === 200, { what: 'free memory' })
})
