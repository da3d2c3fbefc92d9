'use strict'

/** Readers of streams that read slowly or not at all, and what stands between them and a server. */

const assert = require('node:assert/strict')
const { once } = require('node:events')
const http = require('node:http')
const http2 = require('node:http2')
const { connect } = require('node:net')
const { describe, test } = require('node:test')
const { setTimeout } = require('node:timers/promises')
const { isDeepStrictEqual } = require('node:util')
const compression = require('compression')
const helmet = require('helmet')
const { shazbotMiddleware } = require('clustershazbot/express')
const { shazbotPlugin } = require('clustershazbot/fastify')
const { shazbotHandler } = require('clustershazbot/node')
const { moduleFor } = require('../../js/adapters/nestjs-module')
const { watchers } = require('../../js/events/watchers')
const { from, listen } = require('../support/adapter-hosts')
const { aWhileAgo, entry } = require('../support/entries')
const { eventually } = require('../support/eventually')
const { BASE_URL, bringBack, drain, gossip, shazbot, start } = require('../support/in-process')
const { openStream, readEvents, statesOf } = require('../support/watch-stream')

const READ_SECRET = 'read-secret-of-the-tests'
const ENV = { SHAZBOT_READ_SECRET: READ_SECRET, SHAZBOT_MAX_SERVERS: '20000' }
const HEADERS = { Authorization: READ_SECRET }
const MB = 1024 * 1024

const watch = (t, baseUrl) => openStream(t, `${baseUrl}clustershazbot/watch`, HEADERS)
const hasTold = (name) => (events) => events.some(({ event }) => event === name)

/** Servers whose entries fill some megabytes. */
const manyServers = (from, to) =>
  Array.from({ length: to - from }, (_, index) =>
    entry(`http://127.0.0.1:9/${String(from + index).padStart(6, '0')}/${'x'.repeat(400)}/`, aWhileAgo()),
  )

/** The states that lists of the engine show. */
function shownStates() {
  const { online, offline } = shazbot.shazbotGetServerList(true)
  return [online, offline].map((servers) => servers.map(({ baseUrl }) => baseUrl).sort())
}

function listed(states) {
  const of =
    (isOnline) =>
    ([, state]) =>
      ['online', 'suspect'].includes(state) === isOnline
  return [true, false].map((isOnline) =>
    [...states]
      .filter(of(isOnline))
      .map(([baseUrl]) => baseUrl)
      .sort(),
  )
}

/** A server, and the sockets on its side. */
async function startServer(t) {
  const server = http.createServer(shazbotHandler({ watch: true }))
  const sockets = []
  server.on('connection', (socket) => sockets.push(socket))
  return { baseUrl: await listen(t, server), sockets }
}

/** Lets a reader stop reading, and tells it more than its connection holds. */
async function fill({ response }, socket) {
  response.pause()
  for (let count = 0; count < 18_000 && socket.writableLength === 0; count += 1_000) {
    await gossip({ online: manyServers(count, count + 1_000) })
    await setTimeout(50)
  }
  await eventually(() => socket.writableLength > 0, { what: 'a full buffer' })
}

describe('a reader that reads nothing', () => {
  test('costs little memory, holds up nobody, and is told the difference later', async (t) => {
    await start(t, { env: ENV })
    const { baseUrl, sockets } = await startServer(t)
    const slow = await watch(t, baseUrl)
    await slow.until(hasTold('status'), 'a status')
    slow.response.pause()
    const [slowSocket] = sockets
    const quick = await watch(t, baseUrl)
    let highest = 0
    for (let count = 0; count < 16_000; count += 1_000) {
      await gossip({ online: manyServers(count, count + 1_000) })
      await eventually(() => quick.states.size > count + 1_000, { what: 'the news at the quick reader' })
      highest = Math.max(highest, slowSocket.writableLength)
    }
    t.diagnostic(
      `${Math.round(quick.text.length / MB)} MB told, at most ${Math.round(highest / 1024)} kB queued`,
    )
    assert.ok(quick.text.length > 5 * MB)
    assert.ok(highest > 0 && highest < 1.5 * MB, `${highest} bytes are queued`)
    assert.ok(watchers.overruns > 0)
    slow.response.resume()
    await eventually(() => slow.states.size === quick.states.size, { what: 'the servers', within: 60_000 })
    // A check of a server may end meanwhile, so that its event is still under way.
    const isTold = () => isDeepStrictEqual(listed(slow.states), shownStates())
    await eventually(isTold, { what: 'the difference', within: 60_000 })
    assert.ok(slow.named('change').length < quick.named('change').length)
  })

  test('is told the difference in one event if only some servers have changed', async (t) => {
    await start(t, { env: ENV })
    const { baseUrl, sockets } = await startServer(t)
    const stream = await watch(t, baseUrl)
    await stream.until(hasTold('status'), 'a status')
    await fill(stream, sockets[0])
    const [{ length }, before] = [stream.events, stream.named('change').length]
    for (let count = 0; count < 520; count++) {
      await drain()
      await bringBack()
    }
    await gossip({ online: [entry('http://127.0.0.1:9/last/', aWhileAgo())] })
    await drain()
    stream.response.resume()
    await eventually(() => stream.states.get('http://127.0.0.1:9/last/'), { what: 'the last server' })
    await eventually(() => stream.states.get(BASE_URL) === 'left', { what: 'the drain' })
    assert.deepEqual(listed(stream.states), shownStates())
    assert.equal(stream.named('snapshot').length, 1)
    const last = stream.named('change').at(-1).data
    assert.deepEqual([last.snapshot, last.news.length < 1_024], [true, true])
    assert.ok(stream.events.length > length && stream.named('change').length > before)
  })

  test('is cut off after 60 s', async (t) => {
    await start(t, { env: ENV })
    const { baseUrl, sockets } = await startServer(t)
    const stream = await watch(t, baseUrl)
    await stream.until(hasTold('status'), 'a status')
    await fill(stream, sockets[0])
    const { now } = performance
    t.after(() => {
      performance.now = now
    })
    performance.now = () => now.call(performance) + 45_000
    await setTimeout(1_500)
    assert.ok(!sockets[0].destroyed, 'not before')
    performance.now = () => now.call(performance) + 61_000
    await eventually(() => sockets[0].destroyed, { what: 'the end of the connection' })
    await eventually(() => watchers.open === 0, { what: 'nothing left' })
  })

  test('does not hold up a shutdown', async (t) => {
    await start(t, { env: ENV })
    const { baseUrl, sockets } = await startServer(t)
    const stream = await watch(t, baseUrl)
    await stream.until(hasTold('status'), 'a status')
    await fill(stream, sockets[0])
    const began = performance.now()
    await shazbot.shazbotShutDown()
    assert.ok(performance.now() - began < 8_000)
    await eventually(() => sockets[0].destroyed, { within: 2_000, what: 'the end of the connection' })
  })

  test('of a snapshot is told it when it reads', async (t) => {
    await start(t, { env: ENV })
    for (let count = 0; count < 16_000; count += 4_000)
      await gossip({ online: manyServers(count, count + 4_000) })
    const { baseUrl, sockets } = await startServer(t)
    const streams = await Promise.all([1, 2, 3].map(() => watch(t, baseUrl)))
    for (const { response } of streams) response.pause()
    await drain()
    await bringBack()
    assert.ok(sockets.every(({ writableLength }) => writableLength < MB))
    for (const { response } of streams) response.resume()
    for (const stream of streams) {
      await eventually(() => stream.states.size > 16_000, { within: 60_000, what: 'a snapshot' })
      await stream.until((events) => events.some(({ event }) => event === 'status'), 'a status')
      assert.deepEqual(listed(stream.states), shownStates())
    }
  })
})

describe('streams that wait for an earlier response on their connection', () => {
  /** Sends requests at once, the second one before the first one is answered. */
  function sendTogether(t, baseUrl, paths) {
    const socket = connect(new URL(baseUrl).port, '127.0.0.1')
    t.after(() => socket.destroy())
    const headers = `Host: here\r\nAuthorization: ${READ_SECRET}\r\n\r\n`
    socket.write(paths.map((path) => `GET ${path} HTTP/1.1\r\n${headers}`).join(''))
    return socket
  }

  test('end with the connection', async (t) => {
    await start(t, { env: ENV })
    const { baseUrl } = await startServer(t)
    const paths = Array(3).fill('/clustershazbot/watch')
    const socket = sendTogether(t, baseUrl, paths)
    await eventually(() => watchers.open === 3, { what: 'open streams' })
    socket.destroy()
    await eventually(() => watchers.open === 0, { what: 'nothing left' })
  })

  test('do not hold up a shutdown', async (t) => {
    await start(t, { env: ENV })
    const answer = shazbotMiddleware({ watch: true })
    const server = http.createServer((request, response) => answer(request, response, () => {}))
    const baseUrl = await listen(t, server)
    sendTogether(t, baseUrl, ['/never-answered', '/clustershazbot/watch'])
    await eventually(() => watchers.open === 1, { what: 'an open stream' })
    const hasShutDown = await Promise.race([
      shazbot.shazbotShutDown().then(() => true),
      setTimeout(10_000, false, { ref: false }),
    ])
    assert.ok(hasShutDown)
    assert.equal(watchers.open, 0)
  })
})

describe('streams pass', () => {
  test('compression and helmet', async (t) => {
    await start(t, { env: ENV })
    const app = from('express5')('express')()
    app.use(compression({ threshold: 0 }), helmet(), shazbotMiddleware({ watch: true }))
    const baseUrl = await listen(t, http.createServer(app))
    const url = `${baseUrl}clustershazbot/watch`
    const stream = await openStream(t, url, { ...HEADERS, 'Accept-Encoding': 'gzip, br' })
    assert.deepEqual([stream.status, stream.headers['content-encoding']], [200, undefined])
    assert.equal(stream.headers['cache-control'], 'no-store, no-transform')
    assert.ok(stream.headers['content-security-policy'])
    await stream.until(hasTold('status'), 'a status')
    await drain()
    await stream.until(hasTold('change'), 'the change, at once')
  })

  test('HTTP/2, beside other requests of the connection', async (t) => {
    await start(t, { env: ENV })
    const server = http2.createServer(shazbotHandler({ watch: true }))
    await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve))
    t.after(() => server.close())
    const session = http2.connect(`http://127.0.0.1:${server.address().port}`)
    t.after(() => session.destroy())
    const get = async (path) => {
      const stream = session.request({ ':path': `/clustershazbot/${path}`, authorization: READ_SECRET })
      const [headers] = await once(stream, 'response')
      const read = { headers, text: '', hasEnded: false }
      stream.setEncoding('utf8').on('data', (text) => {
        read.text += text
      })
      stream.once('close', () => {
        read.hasEnded = true
      })
      return read
    }
    const watched = await get('watch')
    assert.deepEqual([watched.headers[':status'], watched.headers.connection], [200, undefined])
    await eventually(() => readEvents(watched.text).length === 2, { what: 'the snapshot and the status' })
    const status = await get('status')
    await eventually(() => status.hasEnded, { what: 'the status' })
    assert.equal(JSON.parse(status.text).baseUrl, BASE_URL)
    await drain()
    await eventually(() => statesOf(readEvents(watched.text)).get(BASE_URL) === 'left', { what: 'the drain' })
    await shazbot.shazbotShutDown()
    await eventually(() => watched.hasEnded, { within: 2_000, what: 'the end of the stream' })
    assert.equal(readEvents(watched.text).at(-1).event, 'end')
  })
})

test('a request that Fastify injects is told all until the shutdown', async (t) => {
  await start(t, { env: ENV })
  const app = from('adapters')('fastify')()
  t.after(() => app.close())
  app.register(shazbotPlugin, { watch: true })
  const injected = app.inject({ url: '/clustershazbot/watch', headers: HEADERS })
  await eventually(() => watchers.open === 1, { what: 'an open stream' })
  await shazbot.shazbotShutDown()
  const { statusCode, body } = await injected
  assert.equal(statusCode, 200)
  const names = readEvents(body).map(({ event }) => event)
  assert.deepEqual([names.at(0), names.at(-1)], ['snapshot', 'end'])
})

describe('a program that closes while streams are open', () => {
  const within = async (limit, promise) => {
    const began = performance.now()
    await promise
    const elapsed = performance.now() - began
    assert.ok(elapsed < limit, `${Math.round(elapsed)} ms`)
  }

  test('Fastify', async (t) => {
    await start(t, { env: ENV })
    const app = from('adapters')('fastify')()
    app.register(shazbotPlugin, { watch: true })
    app.addHook('preClose', () => shazbot.shazbotShutDown())
    const stream = await watch(t, `${await app.listen({ port: 0, host: '127.0.0.1' })}/`)
    await stream.until(hasTold('status'), 'a status')
    await within(3_000, app.close())
    await eventually(() => stream.hasEnded, { what: 'the end' })
    assert.equal(stream.events.at(-1).event, 'end')
  })

  test('Fastify, without a shutdown', async (t) => {
    await start(t, { env: ENV })
    const app = from('adapters')('fastify')()
    app.register(shazbotPlugin, { watch: true })
    const stream = await watch(t, `${await app.listen({ port: 0, host: '127.0.0.1' })}/`)
    await stream.until(hasTold('status'), 'a status')
    await within(4_000, app.close())
    await eventually(() => stream.hasEnded, { what: 'the end' })
    assert.equal(stream.events.at(-1).event, 'end')
  })

  for (const workspace of ['nest11', 'nest12']) {
    test(workspace, async (t) => {
      await start(t, { env: ENV })
      const { NestFactory, HttpAdapterHost } = from(workspace)('@nestjs/core')
      const module = moduleFor(HttpAdapterHost).forRoot({ watch: true })
      const app = await NestFactory.create(module, { logger: false })
      await app.listen(0, '127.0.0.1')
      const stream = await watch(t, `http://127.0.0.1:${app.getHttpServer().address().port}/`)
      await stream.until(hasTold('status'), 'a status')
      await within(3_000, app.close())
      await eventually(() => stream.hasEnded, { what: 'the end' })
      assert.equal(stream.events.at(-1).event, 'end')
    })
  }

  test('Express', async (t) => {
    await start(t, { env: ENV })
    const server = http.createServer(from('express5')('express')().use(shazbotMiddleware({ watch: true })))
    const baseUrl = await listen(t, server)
    const streams = await Promise.all(Array.from({ length: 20 }, () => watch(t, baseUrl)))
    await Promise.all(streams.map((stream) => stream.until(hasTold('status'), 'a status')))
    const close = async () => {
      await shazbot.shazbotShutDown()
      await new Promise((resolve) => server.close(resolve))
    }
    await within(3_000, close())
    await eventually(() => streams.every(({ hasEnded }) => hasEnded), { what: 'the end' })
  })
})
