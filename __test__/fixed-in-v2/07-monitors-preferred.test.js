'use strict'

const { test } = require('node:test')
const assert = require('node:assert/strict')
const { startSubject } = require('../support/subject')
const { createFakePeer, createPeers } = require('../support/fake-peer')
const { aWhileAgo } = require('../support/entries')
const { eventually } = require('../support/eventually')

// A whole cluster makes at most 4 exchanges per second with a monitor. With one round per second,
// twelve servers may prefer their only monitor. So few rounds prove little, so several servers are
// tested, each in its own cluster.
const ORDINARY = 10
const SUBJECTS = 4
const ROUNDS = 24

/** Resolves with the number of a server's first rounds that went to its monitor. */
async function roundsWithMonitor(t) {
  const monitor = await createFakePeer(t, { monitor: true })
  const peers = await createPeers(t, ORDINARY)
  const servers = [monitor.entry(aWhileAgo()), ...peers.entries(aWhileAgo())]
  await startSubject(t, { servers })
  const atStart = { monitor: monitor.gossips.length, others: peers.gossips.length }
  return eventually(
    () => {
      const withMonitor = monitor.gossips.length - atStart.monitor
      const withOthers = peers.gossips.length - atStart.others
      return withMonitor + withOthers >= ROUNDS && { withMonitor, withOthers }
    },
    { within: 90_000, what: `${ROUNDS} rounds` },
  )
}

test('fixed in v2, 07: every third round goes to a monitor', async (t) => {
  const counts = await Promise.all(Array.from({ length: SUBJECTS }, () => roundsWithMonitor(t)))
  const withMonitor = counts.reduce((sum, count) => sum + count.withMonitor, 0)
  const withOthers = counts.reduce((sum, count) => sum + count.withOthers, 0)
  const all = withMonitor + withOthers
  // At random, it would be one round in eleven, and a quarter once in a hundred thousand runs.
  assert.ok(withMonitor >= all / 4, `${withMonitor} of ${all} rounds went to the monitors`)
  assert.ok(withOthers >= all / 3, `only ${withOthers} of ${all} rounds went to the others`)
})
