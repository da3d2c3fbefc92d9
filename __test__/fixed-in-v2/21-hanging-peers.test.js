'use strict'

const { describe, test } = require('node:test')
const { startSubject } = require('../support/subject')
const { createFakePeer } = require('../support/fake-peer')
const { answers } = require('../support/scripted-server')
const { aWhileAgo } = require('../support/entries')
const { eventually, withTimeout } = require('../support/eventually')

const QUIET = { SHAZBOT_GOSSIP_INTERVAL: '60' }

// Five seconds plus a margin for a busy machine; less than the peers would take in sequence.
const WITHIN = 9_500

async function twoHangingPeers(t) {
  const silent = await createFakePeer(t)
  const stalling = await createFakePeer(t)
  return {
    servers: [silent.entry(aWhileAgo()), stalling.entry(aWhileAgo())],
    hang() {
      silent.onGossip = silent.onList = answers.silence
      stalling.onGossip = stalling.onList = answers.stall
    },
    stalling,
  }
}

describe('fixed in v2, 21: hanging peers', { concurrency: 8 }, () => {
  test('fixed in v2, 21: hanging peers do not delay a shutdown', async (t) => {
    const peers = await twoHangingPeers(t)
    const { app } = await startSubject(t, { servers: peers.servers, env: QUIET })
    peers.hang()
    await withTimeout(app.call('shazbotShutDown'), { within: WITHIN, what: 'the shutdown' })
  })

  test('fixed in v2, 21: hanging peers do not delay a start', async (t) => {
    const peers = await twoHangingPeers(t)
    peers.hang()
    const { app } = await startSubject(t, { servers: peers.servers, env: QUIET, start: false })
    await withTimeout(app.call('shazbotStart'), { within: WITHIN, what: 'the start' })
  })

  test('fixed in v2, 21: a hanging round does not delay a shutdown', async (t) => {
    const peers = await twoHangingPeers(t)
    const { app } = await startSubject(t, { servers: peers.servers })
    peers.hang()
    const before = peers.stalling.gossips.length
    await eventually(() => peers.stalling.gossips.length > before, {
      within: 60_000,
      what: 'a round that stalls',
    })
    await withTimeout(app.call('shazbotShutDown'), { within: WITHIN, what: 'the shutdown' })
  })
})
