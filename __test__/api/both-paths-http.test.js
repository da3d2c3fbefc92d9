'use strict'

/**
 * Unusually written bodies, sent to an adapter over HTTP and passed to the function: both agree.
 */

const assert = require('node:assert/strict')
const http = require('node:http')
const { test } = require('node:test')
const { shazbotHandler } = require('clustershazbot/node')

const { listen } = require('../support/adapter-hosts')
const { parse } = require('../support/body-parser')
const { aWhileAgo, entry } = require('../support/entries')
const { CONTROL_SECRET, SECRET } = require('../support/environment')
const { eventually } = require('../support/eventually')
const { request } = require('../support/http')
const { shazbot, start } = require('../support/in-process')
const { createNativePeers } = require('../support/native')

const NOW = Date.now()
const INCARNATION = Math.floor(NOW / 1_000)
const DEEP = `${'['.repeat(50_000)}${']'.repeat(50_000)}`

const plain = (entry) => `{"message":"gossip","online":[${entry}],"offline":[]}`
const native = (v2) => `{"message":"gossip","online":[],"offline":[],"v2":${v2}}`
/** News in a native message. */
const claims = (url) => `"claims":[["${url}news/","alive",${INCARNATION},${NOW},0]]`
const stamped = (url) => `"baseUrl":"${url}","monitor":false,"lastUpdate":${NOW}`

/** The body that names a server, and the result: native, plain, skipped or rejected. */
const BODIES = {
  'escapes in kind, id and status': [
    (url) =>
      native(
        `{"me":["${url}","al\\u0069ve",${INCARNATION},${NOW},0],"\\u0069d":"\\u0066\\u00300d","kind":"pu\\u0073h",${claims(url)}}`,
      ),
    'native',
  ],
  'integral floats': [
    (url) =>
      native(
        `{"me":["${url}","alive",${INCARNATION}.0,${NOW}.0e0,-0],"id":"f00d","kind":"push","living":1e3,${claims(url)}}`,
      ),
    'native',
  ],
  'a stamp above 2^53': [
    (url) =>
      native(
        `{"me":["${url}","alive",${INCARNATION},9007199254740993,0],"id":"f00d","kind":"push",${claims(url)}}`,
      ),
    'native',
  ],
  'a deep unknown key in v2': [
    (url) =>
      native(
        `{"x":${DEEP},"me":["${url}","alive",${INCARNATION},${NOW},0,${DEEP}],"id":"f00d","kind":"push",${claims(url)}}`,
      ),
    'native',
  ],
  'deep unknown keys': [(url) => `{"x":${DEEP},"online":[{"x":${DEEP},${stamped(url)}}]}`, 'plain'],
  'a deep malformed v2': [(url) => `{"v2":{"me":${DEEP}},"online":[{${stamped(url)}}]}`, 'plain'],
  'a control character in a key': [(url) => plain(`{"a\u0001":1,${stamped(url)}}`), 'rejected'],
  'a control character in a key of the message': [
    (url) => `{"\n":1,"online":[{${stamped(url)}}]}`,
    'rejected',
  ],
  'a byte order mark': [(url) => `\ufeff${plain(`{${stamped(url)}}`)}`, 'plain'],
  'two byte order marks': [(url) => `\ufeff\ufeff${plain(`{${stamped(url)}}`)}`, 'rejected'],
  'a lone surrogate in a base URL': [(url) => plain(`{${stamped(`${url}\\ud800/`)}}`), 'skipped'],
  'whitespace around a base URL': [(url) => plain(`{${stamped(`${url}\\n`)}}`), 'plain'],
  'duplicate keys': [(url) => plain(`{"baseUrl":5,"lastUpdate":"x",${stamped(url)}}`), 'plain'],
  'the key __proto__': [(url) => plain(`{"__proto__":{${stamped(url)}}}`), 'skipped'],
  'a number too large for a float': [(url) => plain(`{${stamped(url)},"lastUpdate":1e400}`), 'skipped'],
  'too many entries': [(url) => plain(`{${stamped(url)}}${',0'.repeat(1_000_000)}`), 'rejected'],
}

const WAYS = {
  'an adapter': async (origin, body) => {
    const headers = { 'Content-Type': 'application/json', Authorization: SECRET }
    const { status, json } = await request(`${origin}clustershazbot/gossip`, {
      method: 'POST',
      headers,
      body,
    })
    return { status, answer: json }
  },
  'the function': async (_, body) => {
    try {
      const message = parse(Buffer.from(body))
      return { status: 200, answer: await shazbot.shazbotGossipRequest(SECRET, message) }
    } catch (error) {
      return { status: error instanceof SyntaxError ? 400 : error.status }
    }
  },
}

test('unusual JSON means the same to an adapter and to the function', async (t) => {
  // A native message with the raw secret counts only if its sender has proved itself.
  const peers = await createNativePeers(t, 8)
  await start(t, { servers: peers.baseUrls.map((baseUrl) => entry(baseUrl, aWhileAgo())) })
  await eventually(() => peers.heard.size === peers.baseUrls.length, { what: 'each has proved itself' })
  const origin = await listen(t, http.createServer(shazbotHandler()))
  let servers = 0
  for (const [what, [bodyFor, expected]] of Object.entries(BODIES)) {
    for (const [way, send] of Object.entries(WAYS)) {
      await t.test(`${what}, through ${way}`, async () => {
        const isNative = expected === 'native'
        const sender = isNative ? peers.baseUrls.pop() : `http://127.0.0.1:9/odd-${++servers}/`
        const { status, answer } = await send(origin, bodyFor(sender))
        assert.equal(status, expected === 'rejected' ? 400 : 200)
        if (status === 200) assert.equal('v2' in answer, isNative)
        const url = isNative ? `${sender}news/` : sender
        const { online, offline } = shazbot.shazbotGetServerList(true)
        const shown = [...online, ...offline].filter(({ baseUrl }) => baseUrl.startsWith(url))
        assert.equal(shown.length, ['native', 'plain'].includes(expected) ? 1 : 0)
        for (const { baseUrl } of shown) assert.equal(baseUrl, url)
      })
    }
  }
})

test('a control message may start with a byte order mark', async (t) => {
  await start(t)
  const origin = await listen(t, http.createServer(shazbotHandler()))
  const { status } = await request(`${origin}clustershazbot/control`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json', Authorization: CONTROL_SECRET },
    body: '\ufeff{"message":"control","online":false}',
  })
  assert.equal(status, 200)
  assert.equal(shazbot.shazbotGetServerList(true).offline.length, 1)
})
