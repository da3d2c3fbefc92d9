'use strict'

const { describe, test } = require('node:test')
const assert = require('node:assert/strict')
const { shazbot, BASE_URL, prepare, start, gossip, drain, bringBack } = require('../support/in-process')
const { createFakePeer } = require('../support/fake-peer')
const { SECRET, CONTROL_SECRET } = require('../support/environment')
const { aWhileAgo, entry, isOffline, isOnline, urlsOf } = require('../support/entries')
const { eventually, withTimeout } = require('../support/eventually')

const {
  shazbotStart,
  shazbotShutDown,
  shazbotGossipRequest,
  shazbotListRequest,
  shazbotControlRequest,
  shazbotGetServerList,
} = shazbot

const NOT_STARTED = { message: 'Clustershazbot engine not started', code: 'SHAZBOT_NOT_STARTED' }
const EMPTY_GOSSIP = { message: 'gossip', online: [], offline: [] }

/**
 * Nothing listens there. Only this server's own checks, some time later, would change its status.
 */
const stranger = (name, lastUpdate = Date.now()) => entry(`http://127.0.0.1:9/${name}/`, lastUpdate)

describe('before a start and after a shutdown', () => {
  async function assertNotStarted() {
    assert.throws(() => shazbotGetServerList(), NOT_STARTED)
    assert.throws(() => shazbotGetServerList(true), NOT_STARTED)
    await assert.rejects(shazbotListRequest(CONTROL_SECRET), NOT_STARTED)
    await assert.rejects(shazbotGossipRequest(SECRET, EMPTY_GOSSIP), NOT_STARTED)
    await assert.rejects(
      shazbotControlRequest(CONTROL_SECRET, { message: 'control', online: true }),
      NOT_STARTED,
    )
    assert.equal(await shazbotShutDown(), undefined)
  }

  test('every function except start and shutdown reports that the engine is not started', async (t) => {
    await assertNotStarted()
    await start(t)
    await shazbotShutDown()
    await assertNotStarted()
  })

  test('that check comes before authorization and body', async () => {
    await assert.rejects(shazbotGossipRequest('wrong', EMPTY_GOSSIP), NOT_STARTED)
    await assert.rejects(shazbotGossipRequest(SECRET, null), NOT_STARTED)
    await assert.rejects(shazbotControlRequest('wrong', null), NOT_STARTED)
    await assert.rejects(shazbotListRequest(), NOT_STARTED)
  })

  test('a new start reads the environment again', async (t) => {
    await start(t)
    await shazbotShutDown()
    process.env.SHAZBOT_SECRET = 'another'
    process.env.SHAZBOT_BASE_URL = 'http://127.0.0.1:9/another/'
    await shazbotStart()
    await assert.rejects(gossip({ online: [] }), { code: 'SHAZBOT_UNAUTHORIZED' })
    assert.deepEqual(urlsOf((await gossip({ online: [] }, 'another')).online), [
      'http://127.0.0.1:9/another/',
    ])
    process.env.SHAZBOT_SECRET = SECRET
    assert.ok(await gossip({ online: [] }, 'another'), 'and only then')
  })

  test('a new engine keeps no state of the last one', async (t) => {
    await start(t)
    await gossip({ online: [stranger('known')], offline: [stranger('gone')] })
    await shazbotShutDown()
    await shazbotStart()
    const list = shazbotGetServerList(true)
    assert.deepEqual([urlsOf(list.online), urlsOf(list.offline)], [[BASE_URL], []])
  })
})

describe('during a start', () => {
  test('requests are answered from the call of start', async (t) => {
    const peer = await createFakePeer(t)
    const { store } = await prepare(t, { servers: [peer.entry(aWhileAgo())] })
    let release
    store.onGet = () => new Promise((resolve) => (release = resolve))
    const starting = shazbotStart()
    assert.deepEqual(urlsOf(shazbotGetServerList().online), [BASE_URL])
    const answer = gossip({ online: [stranger('early')] })
    const listed = shazbotListRequest('')
    assert.ok(isOnline(await answer, BASE_URL))
    assert.ok(isOnline(await listed, BASE_URL))
    await drain()
    assert.ok(isOffline(shazbotGetServerList(true), BASE_URL))
    await bringBack()
    await eventually(() => release, { what: 'the download' })
    assert.equal(peer.requests.length, 0, 'the start is still in progress')
    release()
    await starting
    assert.ok(isOnline(shazbotGetServerList(), peer.baseUrl))
    assert.ok(isOnline(shazbotGetServerList(), stranger('early').baseUrl))
  })

  test('it waits for the responses to the announcement, and resolves without a value', async (t) => {
    const peer = await createFakePeer(t)
    peer.knows = [stranger('friend-of-a-friend')]
    await prepare(t, { servers: [peer.entry(aWhileAgo())] })
    const release = peer.hold('gossip')
    const starting = shazbotStart()
    let done = false
    starting.then(() => {
      done = true
    })
    await eventually(() => peer.gossips.length === 1, { what: 'the announcement' })
    assert.equal(done, false)
    release()
    assert.equal(await starting, undefined)
    assert.ok(isOnline(shazbotGetServerList(), peer.knows[0].baseUrl))
  })

  test('network failures never reject it', async (t) => {
    const lists = ['http://127.0.0.1:9/none', 'http://nowhere.invalid/list', 'data:,rubbish']
    for (const SHAZBOT_MASTER_LIST of lists) {
      await t.test(SHAZBOT_MASTER_LIST, async (t) => {
        await start(t, { env: { SHAZBOT_MASTER_LIST } })
        assert.deepEqual(urlsOf(shazbotGetServerList().online), [BASE_URL])
      })
    }
  })
})

describe('during a shutdown', () => {
  test('the effect is visible at once, and requests are answered until the end', async (t) => {
    const peer = await createFakePeer(t)
    await start(t, { servers: [peer.entry(aWhileAgo())], env: { SHAZBOT_GOSSIP_INTERVAL: '60' } })
    const release = peer.hold('gossip')
    const leaving = shazbotShutDown()
    const list = shazbotGetServerList(true)
    assert.ok(!isOnline(list, BASE_URL) && isOffline(list, BASE_URL))
    const answer = await gossip({ online: [stranger('late')] })
    assert.ok(!isOnline(answer, BASE_URL) && isOffline(answer, BASE_URL) && isOnline(answer, peer.baseUrl))
    assert.ok(!isOnline(await shazbotListRequest(''), BASE_URL))
    await bringBack()
    assert.ok(!isOnline(shazbotGetServerList(), BASE_URL), 'it leaves anyway')
    await assert.rejects(gossip({ online: [] }, 'wrong'), { code: 'SHAZBOT_UNAUTHORIZED' })
    release()
    assert.equal(await leaving, undefined)
    assert.throws(() => shazbotGetServerList(), NOT_STARTED)
  })

  test('hanging peers delay it by at most 5 s', async (t) => {
    const peer = await createFakePeer(t)
    await start(t, { servers: [peer.entry(aWhileAgo())], env: { SHAZBOT_GOSSIP_INTERVAL: '60' } })
    t.after(peer.hold('gossip'))
    await withTimeout(shazbotShutDown(), { within: 9_000, what: 'the shutdown' })
  })
})
