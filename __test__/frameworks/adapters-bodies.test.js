'use strict'

const assert = require('node:assert/strict')
const { once } = require('node:events')
const http = require('node:http')
const path = require('node:path')
const { describe, test } = require('node:test')
const { Worker } = require('node:worker_threads')
const { shazbotMiddleware } = require('clustershazbot/express')
const { shazbotPlugin } = require('clustershazbot/fastify')
const { shazbotHandler } = require('clustershazbot/node')
const { HOSTS, from, listen } = require('../support/adapter-hosts')
const { aWhileAgo, entry, isOnline } = require('../support/entries')
const { CONTROL_SECRET, SECRET, environment } = require('../support/environment')
const { eventually } = require('../support/eventually')
const { getList, parsed, postDrain, postGossip, readText, request } = require('../support/http')
const { BASE_URL, shazbot, start } = require('../support/in-process')
const { createMasterListStore } = require('../support/master-list-store')
const { extension, postMessage } = require('../support/native')

const HEADERS = { 'Content-Type': 'application/json', Authorization: SECRET }
const PEER = 'http://127.0.0.1:9/peer/'
const MB = 1024 * 1024

const manyEntries = (count) =>
  Array.from({ length: count }, (_, index) =>
    entry(`http://127.0.0.1:9/${'x'.repeat(40)}/${index}/`, aWhileAgo()),
  )

/**
 * Whether all these servers are in either list. Nothing listens there, which the engine soon
 * detects.
 */
function knowsAll({ online, offline }, servers) {
  const known = new Set([...online, ...offline].map(({ baseUrl }) => baseUrl))
  return known.size === servers.length + 1 && servers.every(({ baseUrl }) => known.has(baseUrl))
}

/** Opens a request whose body the test writes; `answered` resolves like `request` of http.js. */
function open(baseUrl, headers, { route = 'gossip' } = {}) {
  const outgoing = http.request(`${baseUrl}clustershazbot/${route}`, {
    method: 'POST',
    headers,
    agent: false,
  })
  const answered = once(outgoing, 'response').then(async ([response]) => {
    const text = await readText(response)
    return { status: response.statusCode, json: parsed(text) }
  })
  return { outgoing, answered }
}

/** Resolves once a body is read, with the most bytes that one turn of the event loop has read. */
function mostBytesInOneTurn(request) {
  return new Promise((resolve) => {
    let [most, before] = [0, request.socket.bytesRead]
    const compare = () => {
      const now = request.socket.bytesRead
      most = Math.max(most, now - before)
      before = now
      if (request.readableEnded || request.destroyed) resolve(most)
      else setImmediate(compare)
    }
    setImmediate(compare)
  })
}

describe('bodies that a parser has already read', () => {
  for (const workspace of ['express4', 'express5']) {
    const express = from(workspace)('express')
    const parsers = { json: {}, raw: { type: '*/*' }, text: { type: '*/*' } }
    for (const [parser, options] of Object.entries(parsers)) {
      test(`${workspace}, express.${parser}()`, async (t) => {
        await start(t)
        const app = express().use(express[parser](options)).use(shazbotMiddleware())
        const baseUrl = await listen(t, http.createServer(app))
        const { status, json } = await postGossip(baseUrl, { online: [entry(PEER)] })
        assert.equal(status, 200)
        assert.ok(isOnline(json, PEER))
        const native = await postMessage(baseUrl, { v2: extension(PEER) })
        assert.equal(native.json.v2.me[0], BASE_URL)
        assert.equal((await postDrain(baseUrl)).json.success, true)
        assert.deepEqual((await postMessage(baseUrl, { online: 5 })).status, 400)
        assert.equal((await postGossip(baseUrl, {}, 'wrong')).status, 401)
      })
    }
  }

  test('a consumed body is a clear error', async (t) => {
    await start(t)
    const handle = shazbotHandler()
    const server = http.createServer(async (incoming, response) => {
      await readText(incoming)
      handle(incoming, response)
    })
    const { status, json } = await postGossip(await listen(t, server), {})
    assert.deepEqual([status, json.error], [400, 'The body has already been read'])
  })

  test('a parser that has read nothing is harmless', async (t) => {
    await start(t)
    const handle = shazbotHandler()
    const server = http.createServer((incoming, response) => {
      incoming.body = {}
      handle(incoming, response)
    })
    assert.ok(isOnline((await postGossip(await listen(t, server), { online: [entry(PEER)] })).json, PEER))
  })
})

for (const [name, host] of Object.entries(HOSTS)) {
  describe(`bodies on ${name}`, () => {
    test('a list of 5 MB is merged and answered, far beyond the limits of body parsers', async (t) => {
      await start(t)
      const baseUrl = await host(t)
      const online = manyEntries(45_000)
      const body = JSON.stringify({ message: 'gossip', online })
      assert.ok(body.length > 5_000_000)
      const { status, json } = await request(`${baseUrl}clustershazbot/gossip`, {
        method: 'POST',
        headers: HEADERS,
        body,
      })
      assert.equal(status, 200)
      assert.ok(knowsAll(json, online), 'the answer contains all of them')
      assert.ok(
        knowsAll(shazbot.shazbotGetServerList(true), online),
        'they are known once the answer has arrived',
      )
      assert.ok(knowsAll((await getList(baseUrl)).json, online), 'the list contains all of them')
    })

    test('is answered with a shared text while it is current', async (t) => {
      await start(t)
      const baseUrl = await host(t)
      const known = manyEntries(1_000)
      await postGossip(baseUrl, { online: known })
      for (let number = 0; number < 4; number++) {
        const asked = Array.from({ length: 4 }, () => getList(baseUrl, CONTROL_SECRET))
        const newcomer = entry(`${PEER}${number}/`)
        const { json } = await postGossip(baseUrl, { online: [newcomer] })
        for (const { json } of await Promise.all(asked)) {
          const has = knowsAll(json, known) || knowsAll(json, [...known, newcomer])
          assert.ok(has, 'a response in progress shows the state before or after')
        }
        known.push(newcomer)
        assert.ok(knowsAll(json, known))
        assert.ok(knowsAll((await getList(baseUrl, CONTROL_SECRET)).json, known))
      }
    })

    test('is read in chunks, without a coding, or after 100-continue', async (t) => {
      await start(t)
      const baseUrl = await host(t)
      const message = JSON.stringify({ message: 'gossip', online: [entry(PEER)] })
      const chunked = open(baseUrl, HEADERS)
      for (const piece of [message.slice(0, 20), message.slice(20, 21), message.slice(21)])
        chunked.outgoing.write(piece)
      chunked.outgoing.end()
      assert.ok(isOnline((await chunked.answered).json, PEER))

      const uncoded = open(baseUrl, { ...HEADERS, 'Content-Encoding': 'IDENTITY' })
      uncoded.outgoing.end(message)
      assert.equal((await uncoded.answered).status, 200)

      const patient = open(baseUrl, { ...HEADERS, Expect: '100-continue', 'Content-Length': message.length })
      patient.outgoing.flushHeaders()
      await once(patient.outgoing, 'continue')
      patient.outgoing.end(message)
      assert.equal((await patient.answered).status, 200)
    })

    test('is rejected before it is read if the secret or the size is wrong', async (t) => {
      await start(t)
      const baseUrl = await host(t)
      const size = 17 * 1024 * 1024
      const cases = [
        [{ ...HEADERS, Authorization: 'wrong', 'Content-Length': 100 }, 401],
        [{ ...HEADERS, 'Content-Length': size }, 413],
      ]
      for (const [headers, expected] of cases) {
        const { outgoing, answered } = open(baseUrl, headers)
        outgoing.flushHeaders()
        assert.equal((await answered).status, expected)
        outgoing.on('error', () => {}).destroy()
      }
      const endless = open(baseUrl, HEADERS)
      endless.outgoing.end(Buffer.alloc(size, ' '))
      const { status, json } = await endless.answered
      endless.outgoing.on('error', () => {}).destroy()
      assert.deepEqual([status, json.error], [413, 'The body must have at most 16777216 bytes'])
    })

    test('that is incomplete is harmless', async (t) => {
      await start(t)
      const baseUrl = await host(t)
      const { outgoing, answered } = open(baseUrl, { ...HEADERS, 'Content-Length': 1000 })
      const broken = assert.rejects(answered)
      await new Promise((resolve) => outgoing.write(`{"online":[${JSON.stringify(entry(PEER))}]`, resolve))
      outgoing.destroy(new Error('gone'))
      await broken
      const list = await eventually(() => getList(baseUrl), { what: 'a later response' })
      assert.equal(list.json.online.length, 1)
    })
  })
}

test('is continued only after the secret check if the program handles `Expect` itself', async (t) => {
  await start(t)
  const handle = shazbotHandler()
  const server = http.createServer(handle).on('checkContinue', handle)
  const baseUrl = await listen(t, server)
  const body = JSON.stringify({ message: 'gossip', online: [] })
  const headers = { ...HEADERS, Expect: '100-continue', 'Content-Length': body.length }
  const rejected = open(baseUrl, { ...headers, Authorization: 'wrong' })
  rejected.outgoing.once('continue', () => assert.fail('the server sent 100 Continue')).flushHeaders()
  assert.equal((await rejected.answered).status, 401)
  const admitted = open(baseUrl, headers)
  admitted.outgoing.flushHeaders()
  await once(admitted.outgoing, 'continue')
  admitted.outgoing.end(body)
  assert.equal((await admitted.answered).status, 200)
})

describe('mounted under a path', () => {
  const answers = async (url) => {
    const { status, json } = await request(url, { headers: { Authorization: CONTROL_SECRET } })
    assert.deepEqual([status, Object.keys(json)], [200, ['online', 'offline']], url)
  }

  for (const workspace of ['express4', 'express5']) {
    test(workspace, async (t) => {
      await start(t)
      const express = from(workspace)('express')
      const router = express.Router().use(shazbotMiddleware())
      const app = express().use('/app', router).use('/clustershazbot', shazbotMiddleware())
      const baseUrl = await listen(t, http.createServer(app))
      await answers(`${baseUrl}app/clustershazbot/list`)
      await answers(`${baseUrl}clustershazbot/list?x`)
      assert.ok((await postGossip(`${baseUrl}app/`, { online: [entry(PEER)] })).json)
      assert.equal((await getList(`${baseUrl}other/`)).status, 404)
    })
  }

  test('connect', async (t) => {
    await start(t)
    const app = from('adapters')('connect')()
      .use('/app', shazbotMiddleware())
      .use('/clustershazbot', shazbotMiddleware())
    const baseUrl = await listen(t, http.createServer(app))
    await answers(`${baseUrl}app/clustershazbot/list`)
    await answers(`${baseUrl}clustershazbot/list/`)
  })

  test('fastify', async (t) => {
    await start(t)
    const app = from('adapters')('fastify')({ routerOptions: { ignoreTrailingSlash: true } })
    app.register(shazbotPlugin, { prefix: '/app' })
    app.register(shazbotPlugin, { path: '/elsewhere' })
    t.after(() => app.close())
    const origin = await app.listen({ port: 0, host: '127.0.0.1' })
    await answers(`${origin}/app/clustershazbot/list/`)
    await answers(`${origin}/elsewhere/list`)
  })

  test('node:http, behind a proxy that keeps the path', async (t) => {
    await start(t)
    const baseUrl = await listen(t, http.createServer(shazbotHandler({ path: '/app/clustershazbot' })))
    await answers(`${baseUrl}app/clustershazbot/list`)
  })
})

test('a long body leaves other work its turns while it is read', async (t) => {
  await start(t)
  const handler = shazbotHandler()
  let most
  const server = http.createServer((request, response) => {
    most = mostBytesInOneTurn(request)
    handler(request, response)
  })
  const body = JSON.stringify({ message: 'gossip', online: [entry(PEER)] }).padEnd(8 * MB)
  const { status } = await request(`${await listen(t, server)}clustershazbot/gossip`, {
    method: 'POST',
    headers: HEADERS,
    body,
  })
  assert.equal(status, 200)
  // Node.js itself reads up to 2 MB.
  assert.ok((await most) <= MB / 2, `${await most} bytes`)
})

test('a worker may end while bodies are read', async (t) => {
  const store = await createMasterListStore(t)
  const code = `
    const { workerData: { root, body, secret }, parentPort } = require('node:worker_threads')
    require(root).shazbotStart()
    const { gossipRaw } = require(root + '/js/adapters/core/raw/raw.js')
    const parts = () => [body.slice(0, 1000), body.slice(1000)].map((part) => Buffer.from(part))
    for (let i = 0; i < 20; i++) gossipRaw(secret, parts())
    parentPort.postMessage('reading')`
  const body = JSON.stringify({ online: manyEntries(10_000) })
  for (let round = 0; round < 5; round++) {
    const worker = new Worker(code, {
      eval: true,
      env: { ...process.env, ...environment(store, { SHAZBOT_BASE_URL: BASE_URL }) },
      workerData: { root: path.join(__dirname, '..', '..'), body, secret: SECRET },
    })
    await once(worker, 'message')
    await worker.terminate()
  }
})
