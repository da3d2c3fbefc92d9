'use strict'

const assert = require('node:assert/strict')
const { describe, test } = require('node:test')
const { HOSTS } = require('../support/adapter-hosts')
const { aWhileAgo, entry, isOffline, isOnline, urlsOf } = require('../support/entries')
const { CONTROL_SECRET, SECRET } = require('../support/environment')
const { getList, postDrain, postGossip, postReturn, request } = require('../support/http')
const { BASE_URL, shazbot, start } = require('../support/in-process')
const { extension, postMessage, postRaw } = require('../support/native')

const JSON_HEADERS = { 'Content-Type': 'application/json' }
const LIMIT = 50_000

/** Rejected requests, with the status and error of the response. */
const REFUSED = [
  ['GET', 'gossip', { Authorization: SECRET }, '', 405, /POST/],
  ['DELETE', 'control', { Authorization: CONTROL_SECRET }, '', 405, /POST/],
  ['POST', 'list', JSON_HEADERS, '{}', 405, /GET/],
  ['POST', 'gossip', JSON_HEADERS, '{}', 401, /^Unauthorized: Invalid SHAZBOT_SECRET$/],
  ['POST', 'gossip', { ...JSON_HEADERS, Authorization: 'wrong' }, '{}', 401, /SHAZBOT_SECRET/],
  ['POST', 'control', { ...JSON_HEADERS, Authorization: SECRET }, '{}', 401, /SHAZBOT_CONTROL_SECRET/],
  ['POST', 'gossip', { Authorization: SECRET, 'Content-Type': 'text/plain' }, '{}', 415, /application\/json/],
  [
    'POST',
    'gossip',
    { ...JSON_HEADERS, Authorization: SECRET, 'Content-Encoding': 'gzip' },
    '{}',
    415,
    /Encoding/,
  ],
  [
    'POST',
    'gossip',
    { Authorization: SECRET, 'Content-Type': 'application/json; charset=utf-16' },
    '{}',
    415,
    /utf-8/,
  ],
  ['POST', 'gossip', { ...JSON_HEADERS, Authorization: SECRET }, ' '.repeat(LIMIT + 1), 413, /50000 bytes/],
  [
    'POST',
    'gossip',
    { ...JSON_HEADERS, Authorization: SECRET },
    '{"online":[',
    400,
    /gossip message: no JSON/,
  ],
  ['POST', 'gossip', { ...JSON_HEADERS, Authorization: SECRET }, '[]', 400, /not an object/],
  ['POST', 'gossip', { ...JSON_HEADERS, Authorization: SECRET }, '{}', 400, /online/],
  ['POST', 'gossip', { ...JSON_HEADERS, Authorization: SECRET }, '{"online":[],"offline":1}', 400, /offline/],
  ['POST', 'gossip', { ...JSON_HEADERS, Authorization: SECRET }, '', 400, /no JSON/],
  [
    'POST',
    'control',
    { ...JSON_HEADERS, Authorization: CONTROL_SECRET },
    'x',
    400,
    /control message: no JSON/,
  ],
  ['POST', 'control', { ...JSON_HEADERS, Authorization: CONTROL_SECRET }, '{"online":1}', 400, /online/],
]

function assertIsAnswer({ headers, text }, method = 'GET') {
  assert.equal(headers['content-type'], 'application/json')
  assert.equal(headers['cache-control'], method === 'POST' ? undefined : 'no-store')
  if (method !== 'HEAD') assert.equal(headers['content-length'], String(Buffer.byteLength(text)))
}

for (const [name, host] of Object.entries(HOSTS)) {
  describe(`adapter for ${name}`, () => {
    test('answers the three routes', async (t) => {
      await start(t)
      const baseUrl = await host(t)

      const news = entry('http://127.0.0.1:9/ünïcode/', aWhileAgo())
      const gossip = await postGossip(baseUrl, { online: [news] })
      assert.equal(gossip.status, 200, gossip.text)
      assertIsAnswer(gossip, 'POST')
      assert.deepEqual(Object.keys(gossip.json), ['message', 'online', 'offline'])
      assert.deepEqual(urlsOf(gossip.json.online), urlsOf(shazbot.shazbotGetServerList().online))
      assert.deepEqual(gossip.json.online[1], news)

      const all = await getList(baseUrl)
      assertIsAnswer(all)
      assert.deepEqual(Object.keys(all.json), ['online', 'offline'])
      assert.deepEqual(urlsOf(all.json.online), urlsOf(gossip.json.online))
      assert.deepEqual(Object.keys(all.json.online[0]), ['baseUrl', 'monitor', 'lastUpdate'])
      const online = await getList(baseUrl, 'wrong')
      assert.deepEqual(Object.keys(online.json), ['online'])

      const drained = await postDrain(baseUrl)
      assertIsAnswer(drained, 'POST')
      assert.deepEqual([drained.status, drained.json], [200, { success: true }])
      assert.ok(isOffline((await getList(baseUrl)).json, BASE_URL))
      assert.ok(!isOnline((await getList(baseUrl, '')).json, BASE_URL))
      assert.ok(isOffline((await postGossip(baseUrl, {})).json, BASE_URL))
      await postReturn(baseUrl)
      assert.ok(isOnline((await getList(baseUrl)).json, BASE_URL))
    })

    test('speaks the native extension', async (t) => {
      await start(t)
      const baseUrl = await host(t)
      const { status, json } = await postMessage(baseUrl, { v2: extension('http://127.0.0.1:9/native/') })
      assert.equal(status, 200)
      assert.deepEqual(
        { ...json, v2: undefined },
        { message: 'gossip', online: [], offline: [], v2: undefined },
      )
      assert.equal(json.v2.me[0], BASE_URL)
      assert.ok(isOnline(shazbot.shazbotGetServerList(), 'http://127.0.0.1:9/native/'))

      const odd = await postRaw(baseUrl, { v2: { me: 'nobody' } })
      assert.deepEqual([odd.status, Object.keys(odd.json)], [200, ['message', 'online', 'offline']])
    })

    test('rejects malformed requests with a reason', async (t) => {
      await start(t)
      const baseUrl = await host(t, { limit: LIMIT })
      for (const [method, route, headers, body, status, error] of REFUSED) {
        const answer = await request(`${baseUrl}clustershazbot/${route}`, { method, headers, body })
        const what = `${method} ${route} ${body.slice(0, 30)}`
        assert.equal(answer.status, status, `${what}: ${answer.text}`)
        assertIsAnswer(answer, method)
        assert.deepEqual(Object.keys(answer.json), ['error'], what)
        assert.match(answer.json.error, error, what)
        assert.ok(!answer.text.includes('-secret'), what)
        assert.equal(answer.headers.allow, { 405: route === 'list' ? 'GET, HEAD' : 'POST' }[status], what)
      }
      assert.deepEqual(shazbot.shazbotGetServerList(true).online.length, 1, 'nothing of them was merged')
    })

    test('answers every request with 503 while no engine runs', async (t) => {
      await start(t)
      const baseUrl = await host(t)
      await shazbot.shazbotShutDown()
      const answers = [
        ['POST', await postGossip(baseUrl, {}, 'wrong')],
        ['POST', await postReturn(baseUrl, 'wrong')],
        ['GET', await getList(baseUrl)],
      ]
      for (const [method, answer] of answers) {
        assert.deepEqual([answer.status, answer.json], [503, { error: 'Clustershazbot engine not started' }])
        assertIsAnswer(answer, method)
      }
    })

    test('accepts other spellings of its routes, and ignores other paths', async (t) => {
      await start(t)
      const baseUrl = await host(t)
      const headers = { Authorization: CONTROL_SECRET }
      for (const path of ['clustershazbot/list/', 'clustershazbot/list?a=b', 'clustershazbot/list/?/']) {
        const { status, json } = await request(`${baseUrl}${path}`, { headers })
        assert.deepEqual([status, Object.keys(json)], [200, ['online', 'offline']], path)
      }
      for (const path of [
        '',
        'clustershazbot',
        'clustershazbot/',
        'clustershazbot/lists',
        'x/clustershazbot/list',
        'list',
      ])
        assert.equal((await request(`${baseUrl}${path}`, { headers })).status, 404, path)
    })

    test('answers HEAD like GET, without the body', async (t) => {
      await start(t)
      const baseUrl = await host(t)
      const head = await request(`${baseUrl}clustershazbot/list`, { method: 'HEAD' })
      const { headers } = await getList(baseUrl, '')
      assert.deepEqual([head.status, head.text], [200, ''])
      assert.equal(head.headers['content-length'], headers['content-length'])
      assertIsAnswer(head, 'HEAD')
    })
  })
}
