'use strict'

const assert = require('node:assert/strict')
const http = require('node:http')
const { describe, test } = require('node:test')
const { shazbotStatus } = require('clustershazbot/events')
const manifest = require('../../package.json')
const { HOSTS, listen } = require('../support/adapter-hosts')
const { aWhileAgo, entry, urlsOf } = require('../support/entries')
const { CONTROL_SECRET } = require('../support/environment')
const { eventually } = require('../support/eventually')
const { createFakePeer } = require('../support/fake-peer')
const { request } = require('../support/http')
const { BASE_URL, bringBack, drain, gossip, prepare, shazbot, start } = require('../support/in-process')
const { hangingMasterList } = require('../support/hanging-master-list')
const { shazbotHandler } = require('clustershazbot/node')

const HEADERS = { Authorization: CONTROL_SECRET }
const OPTIONS = { watch: true }
const OTHER = 'http://127.0.0.1:9/ünïcode"\\/'

/** This server renews its stamp from time to time. */
const ownStamp = () =>
  shazbot.shazbotGetServerList().online.find((listed) => listed.baseUrl === BASE_URL).lastUpdate

const getStatus = (baseUrl) => request(`${baseUrl}clustershazbot/status`, { headers: HEADERS })

for (const [name, host] of Object.entries(HOSTS)) {
  test(`the status with ${name} has this server and all others`, async (t) => {
    const began = Date.now()
    await start(t)
    const baseUrl = await host(t, OPTIONS)
    await gossip({ online: [entry(OTHER, aWhileAgo())] })
    const stampBefore = ownStamp()
    const { status, headers, text, json } = await getStatus(baseUrl)
    const stampAfter = ownStamp()
    assert.equal(status, 200)
    assert.equal(headers['content-type'], 'application/json')
    assert.equal(headers['cache-control'], 'no-store')
    assert.equal(headers['content-length'], String(Buffer.byteLength(text)))
    const { version, uptime, disagreeing, baseUrl: own, servers, ...state } = json
    assert.deepEqual(Object.keys(state), Object.keys(shazbotStatus()))
    assert.deepEqual([state.phase, state.online], ['running', 2])
    assert.deepEqual([version, own, disagreeing], [manifest.version, BASE_URL, 0])
    assert.ok(uptime > 0 && uptime <= Date.now() - began, `${uptime}`)
    const [itself, other] = servers
    assert.equal(servers.length, 2)
    const { since, lastUpdate, ...rest } = itself
    assert.deepEqual(rest, {
      baseUrl: BASE_URL,
      state: 'online',
      cause: 'said',
      language: 'native',
      monitor: false,
      self: true,
    })
    assert.ok(since >= began && since <= Date.now())
    assert.deepEqual([other.language, other.cause, other.self], ['unknown', 'rumour', false])
    const { online } = shazbot.shazbotGetServerList()
    assert.deepEqual(urlsOf(servers), urlsOf(online))
    assert.ok(stampBefore <= lastUpdate && lastUpdate <= stampAfter, `${lastUpdate}`)
  })
}

describe('the status', () => {
  test('follows what happens', async (t) => {
    const peer = await createFakePeer(t)
    await start(t, { servers: [peer.entry(aWhileAgo())] })
    const baseUrl = await HOSTS['node:http'](t, OPTIONS)
    const peerStatus = async () =>
      (await getStatus(baseUrl)).json.servers.find((it) => it.baseUrl === peer.baseUrl)
    await eventually(async () => (await peerStatus())?.language === 'legacy', { what: 'it is of version 1' })
    const drainedAt = Date.now()
    await drain()
    const { phase, left, servers } = (await getStatus(baseUrl)).json
    assert.deepEqual([phase, left, servers[0].state, servers[0].cause], ['drained', 1, 'left', 'control'])
    assert.ok(servers[0].since >= drainedAt)
    await bringBack()
    assert.equal((await getStatus(baseUrl)).json.phase, 'running')
  })

  test('is shown before the start is complete, and not after a shutdown', async (t) => {
    await prepare(t, { store: await hangingMasterList(t), env: { SHAZBOT_LOG: 'silent' } })
    const baseUrl = await HOSTS['node:http'](t, OPTIONS)
    const starting = shazbot.shazbotStart()
    const { status, json } = await getStatus(baseUrl)
    assert.deepEqual([status, json.phase, json.servers.length], [200, 'starting', 1])
    await shazbot.shazbotShutDown()
    await starting
    assert.equal((await getStatus(baseUrl)).status, 503)
  })

  test('of 10,000 servers is whole, and shared by simultaneous requests', async (t) => {
    await start(t, { env: { SHAZBOT_MAX_SERVERS: '20000' } })
    const servers = Array.from({ length: 10_000 }, (_, index) =>
      entry(`http://127.0.0.1:9/${index}/`, aWhileAgo()),
    )
    await gossip({ online: servers })
    const baseUrl = await HOSTS['express 5'](t, OPTIONS)
    const answers = await Promise.all(Array.from({ length: 20 }, () => getStatus(baseUrl)))
    for (const { status, json } of answers)
      assert.deepEqual([status, json.servers.length], [200, shazbotStatus().online + shazbotStatus().dead])
  })

  test('is sent to a connection once at a time', async (t) => {
    await start(t)
    const baseUrl = await listen(t, http.createServer(shazbotHandler(OPTIONS)))
    const agent = new http.Agent({ keepAlive: true, maxSockets: 1 })
    t.after(() => agent.destroy())
    const get = () =>
      new Promise((resolve, reject) => {
        const options = { headers: HEADERS, agent }
        http
          .get(`${baseUrl}clustershazbot/status`, options, (response) => {
            response.resume().once('end', () => resolve(response.statusCode))
          })
          .once('error', reject)
      })
    assert.deepEqual(await Promise.all([get(), get(), get()]), [200, 200, 200])
  })
})
