'use strict'

const assert = require('node:assert/strict')
const { once } = require('node:events')
const http2 = require('node:http2')
const { test } = require('node:test')
const { shazbotPlugin } = require('clustershazbot/fastify')
const { shazbotHandler } = require('clustershazbot/node')
const { from } = require('../support/adapter-hosts')
const { entry } = require('../support/entries')
const { SECRET } = require('../support/environment')
const { readText } = require('../support/http')
const { challenge, gossip, start } = require('../support/in-process')
const { extension, signMessage } = require('../support/native')

const GOSSIP = '{"message":"gossip","online":[]}'

/** The requests of both tests: method, route, header, body, and the status of the response. */
const REQUESTS = [
  ['GET', 'list', '', undefined, 200],
  ['HEAD', 'list', '', undefined, 200],
  ['POST', 'gossip', SECRET, GOSSIP, 200],
  ['POST', 'gossip', 'wrong', GOSSIP, 401],
  ['POST', 'gossip', SECRET, ' '.repeat(100_001), 413],
  ['GET', 'control', SECRET, undefined, 405],
]
const OPTIONS = { limit: 100_000 }

/** Serves the routes over HTTP/2; resolves with a client. */
async function connect(t) {
  const server = http2.createServer(shazbotHandler(OPTIONS))
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve))
  const client = http2.connect(`http://127.0.0.1:${server.address().port}`)
  t.after(() => {
    client.close()
    server.close()
  })
  return client
}

test('the handler serves HTTP/2', async (t) => {
  await start(t)
  const client = await connect(t)
  for (const [method, route, authorization, body, status] of REQUESTS) {
    const stream = client.request({ ':method': method, ':path': `/clustershazbot/${route}`, authorization })
    stream.end(body)
    const [headers] = await once(stream, 'response')
    const text = await readText(stream)
    assert.equal(headers[':status'], status, `${method} ${route}: ${text}`)
    if (method !== 'HEAD') assert.equal(Number(headers['content-length']), Buffer.byteLength(text))
  }
})

test('the handler sends a full roster over HTTP/2', async (t) => {
  await start(t)
  const urls = Array.from({ length: 2_000 }, (_, n) => `http://127.0.0.1:9/a-server-with-a-long-name-${n}/`)
  await gossip({ online: urls.map((url) => entry(url)), offline: [] })
  const client = await connect(t)
  const sync = { online: [], offline: [], v2: extension('http://127.0.0.1:9/joiner/', { kind: 'sync' }) }
  const { header, message, open } = signMessage({ message: 'gossip', ...sync }, await challenge())
  const path = '/clustershazbot/gossip'
  const stream = client.request({ ':method': 'POST', ':path': path, authorization: header })
  stream.end(JSON.stringify(message))
  const { v2 } = JSON.parse(await readText(stream))
  const { claims } = open(v2)
  assert.ok(v2.length > 128 * 1024, 'it is sent in slices')
  const known = new Set(claims.map(([url]) => url))
  assert.ok(urls.every((url) => known.has(url)))
})

test('the plugin answers what Fastify injects', async (t) => {
  await start(t)
  const app = from('adapters')('fastify')()
  app.register(shazbotPlugin, OPTIONS)
  t.after(() => app.close())
  for (const [method, route, authorization, payload, status] of REQUESTS) {
    const headers = { authorization, 'content-type': 'application/json' }
    const answer = await app.inject({ method, url: `/clustershazbot/${route}`, headers, payload })
    assert.equal(answer.statusCode, status, `${method} ${route}: ${answer.body}`)
  }
})
