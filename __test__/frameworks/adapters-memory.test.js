'use strict'

const assert = require('node:assert/strict')
const http = require('node:http')
const { once } = require('node:events')
const { describe, test } = require('node:test')
const { startAdapterServer } = require('../support/adapter-server')
const { aWhileAgo, entry } = require('../support/entries')
const { SECRET } = require('../support/environment')
const { eventually } = require('../support/eventually')
const { parsed, postGossip, postReturn, readText, request } = require('../support/http')

const MB = 1024 * 1024
const SIZE = 16 * MB
const POSTS = 30
const MOST_GROWTH_MB = 200
const HEADERS = { 'Content-Type': 'application/json', Authorization: SECRET }
const PEER = 'http://127.0.0.1:9/peer/'

/** A message of this size with few servers and a large unknown field. */
function longMessage() {
  const online = Array.from({ length: 1_000 }, (_, index) => ({
    ...entry(`http://127.0.0.1:9/${index}/`, aWhileAgo()),
    extra: 'x'.repeat(16_000),
  }))
  return Buffer.from(JSON.stringify({ message: 'gossip', online }).padEnd(SIZE))
}

/** Opens a request whose body starts and then stalls. */
function open(t, baseUrl, headers, beginning = '{"online":[') {
  const outgoing = http.request(`${baseUrl}clustershazbot/gossip`, {
    method: 'POST',
    headers: { ...HEADERS, ...headers },
    agent: false,
  })
  t.after(() => outgoing.destroy())
  outgoing.on('error', () => {}).write(beginning)
  const answered = once(outgoing, 'response').then(async ([response]) => {
    const json = parsed(await readText(response))
    return { status: response.statusCode, headers: response.headers, json }
  })
  return { outgoing, answered }
}

describe('bodies of callers with the secret', () => {
  for (const chunked of [false, true]) {
    test(`get memory in turn${chunked ? ', those of unknown size too' : ''}`, async (t) => {
      const server = await startAdapterServer(t, 'node:http')
      const body = longMessage()
      assert.equal(body.length, SIZE)
      await postGossip(server.baseUrl, { online: [entry(PEER)] })
      const before = (await server.usage()).current
      const headers = chunked ? { ...HEADERS, 'Transfer-Encoding': 'chunked' } : HEADERS
      const post = () => request(`${server.baseUrl}clustershazbot/gossip`, { method: 'POST', headers, body })
      const answers = await Promise.all(Array.from({ length: POSTS }, post))
      for (const { status, json } of answers) {
        assert.equal(status, 200)
        assert.ok(Array.isArray(json.online))
      }
      const { highest } = await server.usage()
      t.diagnostic(`RSS grew by ${Math.round(highest - before)} MB`)
      assert.ok(highest - before <= MOST_GROWTH_MB, `${highest - before} MB`)
    })
  }

  test('that wait for slow ones are read soon, and small ones at once', async (t) => {
    const server = await startAdapterServer(t, 'node:http')
    const slow = open(t, server.baseUrl, { 'Content-Length': SIZE })
    // It has its memory once another request is answered.
    await postGossip(server.baseUrl, {})
    const waiting = request(`${server.baseUrl}clustershazbot/gossip`, {
      method: 'POST',
      headers: HEADERS,
      body: JSON.stringify({ online: [entry(PEER)] }).padEnd(SIZE),
    })
    assert.equal((await postGossip(server.baseUrl, {})).status, 200)
    assert.equal((await postReturn(server.baseUrl)).status, 200)
    const { status, json } = await waiting
    assert.equal(status, 200)
    assert.ok(
      json.online.some(({ baseUrl }) => baseUrl === PEER),
      'it was read',
    )
    const cutOff = await slow.answered
    assert.deepEqual([cutOff.status, cutOff.headers.connection], [200, 'close'])
    assert.ok(Array.isArray(cutOff.json.online), 'even that does not look like a death')
  })

  test('that get no memory in time are answered without an error', async (t) => {
    const server = await startAdapterServer(t, 'node:http')
    const slow = Array.from({ length: 4 }, () => open(t, server.baseUrl, { 'Content-Length': SIZE }))
    const dripping = setInterval(() => {
      for (const { outgoing } of slow) outgoing.write(' ')
    }, 100)
    t.after(() => clearInterval(dripping))
    const statuses = []
    for (const { answered } of slow)
      answered.then(
        ({ status }) => statuses.push(status),
        () => {},
      )
    // One has the memory. The others wait 4 s for it; then none waits, and the first may be slow.
    await eventually(() => statuses.length >= 3, { what: 'answers to the waiting ones' })
    assert.deepEqual(new Set(statuses), new Set([200]))
  })

  test('that are aborted while they wait take no memory', async (t) => {
    const server = await startAdapterServer(t, 'node:http')
    const slow = open(t, server.baseUrl, { 'Content-Length': SIZE })
    slow.answered.catch(() => {})
    await postGossip(server.baseUrl, {})
    // Counts as a small body until it is longer, then waits for the memory of the slow one.
    const growing = open(t, server.baseUrl, { 'Transfer-Encoding': 'chunked' }, ' '.repeat(100_000))
    growing.answered.catch(() => {})
    await once(growing.outgoing, 'drain')
    await postGossip(server.baseUrl, {})
    growing.outgoing.destroy()
    await postGossip(server.baseUrl, {})
    slow.outgoing.destroy()
    const { status, json } = await request(`${server.baseUrl}clustershazbot/gossip`, {
      method: 'POST',
      headers: HEADERS,
      body: JSON.stringify({ online: [entry(PEER)] }).padEnd(MB),
    })
    assert.equal(status, 200)
    assert.ok(
      json.online.some(({ baseUrl }) => baseUrl === PEER),
      'it was read',
    )
  })

  test('may be larger than the shared memory', async (t) => {
    const server = await startAdapterServer(t, 'node:http', { limit: 48 * MB })
    const body = JSON.stringify({ online: [entry(PEER)] }).padEnd(48 * MB)
    const { status, json } = await request(`${server.baseUrl}clustershazbot/gossip`, {
      method: 'POST',
      headers: HEADERS,
      body,
    })
    assert.equal(status, 200)
    assert.ok(json.online.some(({ baseUrl }) => baseUrl === PEER))
  })

  test('may be slow while none waits', async (t) => {
    const server = await startAdapterServer(t, 'node:http')
    const { outgoing, answered } = open(t, server.baseUrl, { 'Content-Length': 100_000 })
    await new Promise((resolve) => setTimeout(resolve, 6_000))
    outgoing.end(']}'.padEnd(100_000 - '{"online":['.length))
    const { status, headers } = await answered
    assert.deepEqual([status, headers.connection], [200, 'close'])
  })
})
