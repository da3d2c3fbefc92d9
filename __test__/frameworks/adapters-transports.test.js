'use strict'

const assert = require('node:assert/strict')
const { once } = require('node:events')
const http2 = require('node:http2')
const { test } = require('node:test')
const { shazbotPlugin } = require('clustershazbot/fastify')
const { shazbotHandler } = require('clustershazbot/node')
const { from } = require('../support/adapter-hosts')
const { SECRET } = require('../support/environment')
const { readText } = require('../support/http')
const { start } = require('../support/in-process')

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

test('the handler serves HTTP/2', async (t) => {
  await start(t)
  const server = http2.createServer(shazbotHandler(OPTIONS))
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve))
  const client = http2.connect(`http://127.0.0.1:${server.address().port}`)
  t.after(() => {
    client.close()
    server.close()
  })
  for (const [method, route, authorization, body, status] of REQUESTS) {
    const stream = client.request({ ':method': method, ':path': `/clustershazbot/${route}`, authorization })
    stream.end(body)
    const [headers] = await once(stream, 'response')
    const text = await readText(stream)
    assert.equal(headers[':status'], status, `${method} ${route}: ${text}`)
    if (method !== 'HEAD') assert.equal(Number(headers['content-length']), Buffer.byteLength(text))
  }
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
