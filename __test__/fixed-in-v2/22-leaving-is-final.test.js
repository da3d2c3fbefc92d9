'use strict'

const { describe, test } = require('node:test')
const assert = require('node:assert/strict')
const { startSubject } = require('../support/subject')
const { createFakePeer } = require('../support/fake-peer')
const { entry, aWhileAgo, inAnHour, isOnline, isOffline } = require('../support/entries')
const { eventually, throughout } = require('../support/eventually')

const QUIET = { SHAZBOT_GOSSIP_INTERVAL: '60' }

const assertGone = (list, baseUrl) => {
  assert.ok(!isOnline(list, baseUrl), 'the leaving server is online')
  assert.ok(isOffline(list, baseUrl), 'the leaving server is not offline')
  return true
}

describe('fixed in v2, 22: leaving is final', { concurrency: 8 }, () => {
  test('fixed in v2, 22: no response during a shutdown shows the server online', async (t) => {
    const peer = await createFakePeer(t)
    const { app } = await startSubject(t, { servers: [peer.entry(aWhileAgo())], env: QUIET })
    const release = peer.hold('gossip')
    const before = peer.gossips.length
    const leaving = app.call('shazbotShutDown')
    await eventually(() => peer.gossips.length > before, { what: 'the farewell' })

    assertGone(await app.sendGossip({}), app.baseUrl)
    assertGone(await app.sendGossip({ online: [entry(app.baseUrl, inAnHour())] }), app.baseUrl)
    assertGone(await app.sendGossip({ offline: [entry(app.baseUrl, inAnHour())] }), app.baseUrl)
    assertGone(await app.list(), app.baseUrl)

    release()
    await leaving
  })

  test('fixed in v2, 22: a retry in progress does not show the server online', async (t) => {
    const peer = await createFakePeer(t)
    const { app } = await startSubject(t, { servers: [peer.entry(aWhileAgo())] })
    peer.onGossip = () => ({ status: 500, body: 'Broken' })
    const before = peer.gossips.length
    await eventually(() => peer.gossips.length > before, { what: 'the first attempt of a round' })

    await app.call('shazbotShutDown')

    await throughout(() => !isOnline(peer.gossips.at(-1).json, app.baseUrl), {
      lasting: 4_500,
      what: 'no message after the farewell shows it online',
    })
  })

  test('fixed in v2, 22: a response in progress does not show the server online', async (t) => {
    const [answering, silent] = [await createFakePeer(t), await createFakePeer(t)]
    const { app } = await startSubject(t, {
      servers: [answering.entry(aWhileAgo()), silent.entry(aWhileAgo())],
    })
    const releaseAnswers = answering.hold('gossip')
    const before = answering.gossips.length
    await eventually(() => answering.gossips.length > before, { within: 60_000, what: 'a round in flight' })
    answering.knows = [entry(app.baseUrl, inAnHour())]
    const releaseShutDown = silent.hold('gossip')
    const leaving = app.call('shazbotShutDown')
    await eventually(async () => isOffline(await app.list(), app.baseUrl), {
      what: 'the shutdown has started',
    })

    releaseAnswers()

    await throughout(async () => assertGone(await app.list(), app.baseUrl), {
      lasting: 1_000,
      what: 'offline',
    })
    releaseShutDown()
    await leaving
  })
})
