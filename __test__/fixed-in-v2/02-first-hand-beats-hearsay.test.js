'use strict'

const { describe, test } = require('node:test')
const assert = require('node:assert/strict')
const { startSubject } = require('../support/subject')
const { createFakePeer } = require('../support/fake-peer')
const { deadBaseUrl, freePort } = require('../support/ports')
const { entry, aWhileAgo, find, isOnline, isOffline } = require('../support/entries')
const { eventually, throughout } = require('../support/eventually')

// Only verifications can detect changes within a test, not rounds.
const NO_ROUNDS = { SHAZBOT_GOSSIP_INTERVAL: '60' }

describe('fixed in v2, 02: first-hand beats hearsay', { concurrency: 8 }, () => {
  test('fixed in v2, 02: an accused server that answered recently stays online, is verified, and refutes the claim', async (t) => {
    const peer = await createFakePeer(t)
    const { app } = await startSubject(t, { servers: [peer.entry(aWhileAgo())] })
    await eventually(() => peer.gossips.length >= 2, { what: 'an exchange with the peer' })
    const asked = peer.listRequests.length
    const accusation = peer.entry(Date.now() + 1_000)

    const answer = await app.sendGossip({ offline: [accusation] })

    assert.ok(isOnline(answer, peer.baseUrl), 'the accusation counted before it was verified')
    await throughout(async () => isOnline(await app.list(), peer.baseUrl), {
      lasting: 2_000,
      what: 'the accused, who answers, stays online',
    })
    await eventually(() => peer.listRequests.length > asked, { what: 'the accused is asked for its list' })
    await eventually(
      async () => find((await app.list()).online, peer.baseUrl)?.lastUpdate > accusation.lastUpdate,
      { what: 'a newer stamp refutes the accusation' },
    )
  })

  test('fixed in v2, 02: a true accusation counts once it is verified', async (t) => {
    const peer = await createFakePeer(t)
    const { app } = await startSubject(t, { servers: [peer.entry(aWhileAgo())], env: NO_ROUNDS })
    await eventually(() => peer.gossips.length >= 1, { what: 'an exchange with the peer' })
    const release = peer.hold('list')
    peer.online = false
    const accusation = peer.entry(Date.now() + 1_000)

    const answer = await app.sendGossip({ offline: [accusation] })

    assert.ok(isOnline(answer, peer.baseUrl), 'the accusation counted before it was verified')
    release()
    const tombstone = await eventually(async () => find((await app.list()).offline, peer.baseUrl), {
      what: 'the accused server, which lists itself offline, is offline',
    })
    assert.equal(tombstone.lastUpdate, accusation.lastUpdate)
  })

  test('fixed in v2, 02: hearsay alone does not revive a server found dead', async (t) => {
    const peer = await createFakePeer(t, { port: await freePort() })
    const { app } = await startSubject(t, { servers: [peer.entry(aWhileAgo())] })
    await eventually(() => peer.gossips.length >= 2, { what: 'an exchange with the peer' })
    await peer.close()
    await eventually(async () => isOffline(await app.list(), peer.baseUrl), {
      what: 'the closed peer is declared dead',
    })

    const answer = await app.sendGossip({ online: [peer.entry(Date.now() + 2_000)] })

    assert.ok(!isOnline(answer, peer.baseUrl), 'hearsay counted before it was verified')
    await throughout(async () => !isOnline(await app.list(), peer.baseUrl), {
      lasting: 2_000,
      what: 'the dead server stays offline',
    })
  })

  test('fixed in v2, 02: a restarted server is online after one verification', async (t) => {
    const peer = await createFakePeer(t, { port: await freePort() })
    const { app } = await startSubject(t, { servers: [peer.entry(aWhileAgo())] })
    await eventually(() => peer.gossips.length >= 2, { what: 'an exchange with the peer' })
    await peer.close()
    await eventually(async () => isOffline(await app.list(), peer.baseUrl), {
      what: 'the closed peer is declared dead',
    })
    await peer.open()
    const asked = peer.listRequests.length

    await app.sendGossip({ online: [peer.entry(Date.now() + 2_000)] })

    await eventually(async () => isOnline(await app.list(), peer.baseUrl), {
      what: 'it is online again',
    })
    assert.ok(
      peer.listRequests.length > asked,
      'it was asked for its list, which keeps a drained legacy peer drained',
    )
  })

  test('fixed in v2, 02: a claim about a dead server counts at once and is removed within seconds', async (t) => {
    const { app } = await startSubject(t, { env: NO_ROUNDS })
    const dead = await deadBaseUrl()

    const answer = await app.sendGossip({ online: [entry(dead, aWhileAgo())] })

    assert.ok(isOnline(answer, dead), 'news counts at once')
    await eventually(async () => isOffline(await app.list(), dead), {
      within: 20_000,
      what: 'the dead server is offline',
    })
  })

  test('fixed in v2, 02: a false death counts at once and is undone within a round trip', async (t) => {
    const peer = await createFakePeer(t)
    const release = peer.hold('list')
    const { app } = await startSubject(t, { env: NO_ROUNDS })
    await app.sendGossip({ online: [peer.entry(aWhileAgo())] })
    const accusation = peer.entry(aWhileAgo())

    const answer = await app.sendGossip({
      offline: [{ ...accusation, lastUpdate: accusation.lastUpdate + 1_000 }],
    })

    assert.ok(isOffline(answer, peer.baseUrl), 'news counts at once, as long as nothing is known first-hand')
    release()
    await eventually(async () => isOnline(await app.list(), peer.baseUrl), {
      within: 15_000,
      what: 'it is online again',
    })
  })
})
