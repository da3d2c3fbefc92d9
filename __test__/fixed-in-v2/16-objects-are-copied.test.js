'use strict'

const { before, after, describe, test } = require('node:test')
const assert = require('node:assert/strict')
const http = require('node:http')
const { SUBJECT } = require('../support/subject')
const { environment, SECRET, CONTROL_SECRET } = require('../support/environment')
const { deadBaseUrl } = require('../support/ports')
const { entry, aWhileAgo } = require('../support/entries')

const shazbot = require(SUBJECT)

// In this process, because only here can a test pass an object, keep it and change it.
describe('fixed in v2, 16: objects are copied', () => {
  let self
  let store

  before(async () => {
    self = await deadBaseUrl()
    store = http.createServer((_, response) => response.end('{"online":[]}'))
    await new Promise((resolve) => store.listen(0, '127.0.0.1', resolve))
    const url = `http://127.0.0.1:${store.address().port}/`
    const quiet = { SHAZBOT_BASE_URL: self, SHAZBOT_GOSSIP_INTERVAL: '3600' }
    Object.assign(process.env, environment({ url }, quiet))
    await shazbot.shazbotStart()
  })

  after(async () => {
    await shazbot.shazbotShutDown()
    store.close()
    store.closeAllConnections()
  })

  const snapshot = () => structuredClone(shazbot.shazbotGetServerList(true))

  const withoutSelf = ({ online, offline }) =>
    [...online, ...offline].filter(({ baseUrl }) => baseUrl !== self)

  const spoil = (list) => {
    for (const server of [...list.online, ...list.offline]) {
      server.monitor = 'spoilt'
      server.lastUpdate = 8_640_000_000_000_000
      server.extra = true
    }
    list.online.push(entry('http://127.0.0.1:9/spoilt/', 1))
    list.offline.length = 0
  }

  const send = (lists) =>
    shazbot.shazbotGossipRequest(SECRET, { message: 'gossip', online: [], offline: [], ...lists })

  test('fixed in v2, 16: changing the result of shazbotGetServerList has no effect', async () => {
    await send({
      online: [entry(await deadBaseUrl(), aWhileAgo())],
      offline: [entry(await deadBaseUrl(), aWhileAgo())],
    })
    const before = snapshot()
    spoil(shazbot.shazbotGetServerList(true))
    assert.deepEqual(snapshot(), before)
  })

  test('fixed in v2, 16: changing the result of shazbotGossipRequest has no effect', async () => {
    const answer = await send({ online: [entry(await deadBaseUrl(), aWhileAgo())] })
    const before = snapshot()
    spoil(answer)
    assert.deepEqual(withoutSelf(snapshot()), withoutSelf(before))
    assert.equal(snapshot().online.find(({ baseUrl }) => baseUrl === self).monitor, false)
  })

  test('fixed in v2, 16: changing the result of shazbotListRequest has no effect', async () => {
    await send({ online: [entry(await deadBaseUrl(), aWhileAgo())] })
    const answer = await shazbot.shazbotListRequest(CONTROL_SECRET)
    const before = snapshot()
    spoil(answer)
    assert.deepEqual(snapshot(), before)
  })

  test('fixed in v2, 16: changing arguments afterwards has no effect', async () => {
    const body = {
      message: 'gossip',
      online: [entry(await deadBaseUrl(), aWhileAgo())],
      offline: [entry(await deadBaseUrl(), aWhileAgo())],
    }
    await shazbot.shazbotGossipRequest(SECRET, body)
    const before = snapshot()
    spoil(body)
    assert.deepEqual(snapshot(), before)
  })
})
