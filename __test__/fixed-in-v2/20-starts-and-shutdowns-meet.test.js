'use strict'

const { describe, test } = require('node:test')
const assert = require('node:assert/strict')
const { startSubject } = require('../support/subject')
const { createFakePeer } = require('../support/fake-peer')
const { createMasterListStore } = require('../support/master-list-store')
const { aWhileAgo, isOnline, isOffline } = require('../support/entries')
const { eventually, throughout, withTimeout } = require('../support/eventually')

const QUIET = { SHAZBOT_GOSSIP_INTERVAL: '60' }
const NOT_STARTED = { message: 'Clustershazbot engine not started' }

const saysOnline = (app) => (request) => isOnline(request.json, app.baseUrl)
const saysOffline = (app) => (request) => isOffline(request.json, app.baseUrl)

/**
 * A server with a round in flight: its only peer has received the message and delays the response.
 */
async function withRoundInFlight(t) {
  const peer = await createFakePeer(t)
  const { app } = await startSubject(t, { servers: [peer.entry(aWhileAgo())] })
  const release = peer.hold('gossip')
  const before = peer.gossips.length
  await eventually(() => peer.gossips.length > before, { what: 'a round' })
  return { app, peer, release }
}

async function assertSilence(app, peer) {
  // A later call proves that earlier requests have been recorded.
  await app.hasCalled()
  const { length } = peer.requests
  await throughout(() => peer.requests.length === length, {
    lasting: 2_500,
    what: 'no request after the shutdown',
  })
}

describe('fixed in v2, 20: starts and shutdowns meet', { concurrency: 8 }, () => {
  test('fixed in v2, 20: repeated and concurrent starts are one start', async (t) => {
    const peer = await createFakePeer(t)
    const { app, store } = await startSubject(t, {
      servers: [peer.entry(aWhileAgo())],
      env: QUIET,
      start: false,
    })
    await Promise.all([app.call('shazbotStart'), app.call('shazbotStart')])
    await app.call('shazbotStart')
    assert.equal(store.gets.length, 1, 'the master list was downloaded once')
    assert.equal(peer.gossips.length, 1, 'the server was announced once')
  })

  test('fixed in v2, 20: after two starts one shutdown ends everything', async (t) => {
    const peer = await createFakePeer(t)
    const { app } = await startSubject(t, { servers: [peer.entry(aWhileAgo())] })
    await app.call('shazbotStart')
    await app.call('shazbotShutDown')
    await assertSilence(app, peer)
  })

  test('fixed in v2, 20: a start during a shutdown waits for it, and then starts', async (t) => {
    const peer = await createFakePeer(t)
    const { app } = await startSubject(t, { servers: [peer.entry(aWhileAgo())], env: QUIET })
    const release = peer.hold('gossip')
    const leaving = app.call('shazbotShutDown')
    await eventually(() => peer.gossips.some(saysOffline(app)), { what: 'the farewell' })
    const farewell = peer.gossips.length

    const starting = app.call('shazbotStart')
    await throughout(() => !peer.gossips.slice(farewell).some(saysOnline(app)), {
      lasting: 500,
      what: 'no announcement during the farewell',
    })
    release()
    await Promise.all([leaving, starting])

    assert.ok(isOnline(await app.succeed('shazbotGetServerList'), app.baseUrl), 'the second engine runs')
    assert.ok(peer.gossips.slice(farewell).some(saysOnline(app)), 'it was announced')
  })

  test('fixed in v2, 20: a shutdown during a start ends both', async (t) => {
    const peer = await createFakePeer(t)
    const store = await createMasterListStore(t, { servers: [peer.entry(aWhileAgo())] })
    let release
    const released = new Promise((resolve) => {
      release = resolve
    })
    store.onGet = () => released
    const { app } = await startSubject(t, { store, start: false })
    const starting = app.call('shazbotStart')
    await eventually(() => store.gets.length === 1, { what: 'the download' })

    const leaving = app.call('shazbotShutDown')
    await app.hasCalled()
    release()
    await withTimeout(Promise.allSettled([starting, leaving]), { within: 20_000, what: 'the end of both' })

    await assert.rejects(app.call('shazbotGetServerList'), NOT_STARTED)
    await throughout(() => !peer.gossips.some(saysOnline(app)), {
      lasting: 2_500,
      what: 'nothing announces a server that was shut down',
    })
  })

  test('fixed in v2, 20: repeated shutdowns are one shutdown', async (t) => {
    const peer = await createFakePeer(t)
    const { app } = await startSubject(t, { servers: [peer.entry(aWhileAgo())], env: QUIET })
    const release = peer.hold('gossip')
    const before = peer.gossips.length
    const leaving = [app.call('shazbotShutDown'), app.call('shazbotShutDown')]
    await eventually(() => peer.gossips.length > before, { what: 'the farewell' })
    release()
    await Promise.all(leaving)
    await app.call('shazbotShutDown')
    assert.equal(peer.gossips.length, before + 1, 'one farewell')
  })

  test('fixed in v2, 20: no timer is left after a shutdown with a round in flight', async (t) => {
    const { app, peer, release } = await withRoundInFlight(t)
    const leaving = app.call('shazbotShutDown')
    await eventually(() => peer.gossips.some(saysOffline(app)), { what: 'the farewell' })
    release()
    await leaving
    await assertSilence(app, peer)
  })

  test('fixed in v2, 20: a process ends by itself after a shutdown with a round in flight', async (t) => {
    const { app, peer, release } = await withRoundInFlight(t)
    const leaving = app.call('shazbotShutDown')
    await eventually(() => peer.gossips.some(saysOffline(app)), { what: 'the farewell' })
    release()
    await leaving
    await app.letGo()
    assert.deepEqual(await withTimeout(app.exited, { within: 15_000, what: 'the end of the process' }), {
      code: 0,
      signal: null,
    })
  })
})
