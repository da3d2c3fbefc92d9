'use strict'

const { test } = require('node:test')
const assert = require('node:assert/strict')
const { startSubject } = require('../support/subject')
const { createFakePeer, createCrowd } = require('../support/fake-peer')
const { aWhileAgo } = require('../support/entries')
const { eventually } = require('../support/eventually')

// No monitor is asked for more than 4 exchanges a second by a whole cluster: at one round a second twelve servers may
// prefer their only monitor. So few rounds say little, so several servers are asked, each in a cluster of its own.
const ORDINARY = 10
const SUBJECTS = 4
const ROUNDS = 24

/** Resolves with how many of a server's first rounds went to its monitor. */
async function roundsWithMonitor(t) {
  const monitor = await createFakePeer(t, { monitor: true })
  const crowd = await createCrowd(t, ORDINARY)
  const servers = [monitor.entry(aWhileAgo()), ...crowd.entries(aWhileAgo())]
  await startSubject(t, { servers })
  const atStart = { monitor: monitor.gossips.length, others: crowd.gossips.length }
  return eventually(
    () => {
      const withMonitor = monitor.gossips.length - atStart.monitor
      const withOthers = crowd.gossips.length - atStart.others
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
  // At random it would be one round in eleven, and a quarter of them once in a hundred thousand runs.
  assert.ok(withMonitor >= all / 4, `${withMonitor} of ${all} rounds went to the monitors`)
  assert.ok(withOthers >= all / 3, `only ${withOthers} of ${all} rounds went to the others`)
})
