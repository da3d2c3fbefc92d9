'use strict'

const { test } = require('node:test')
const assert = require('node:assert/strict')
const { startSubject } = require('../support/subject')
const { createFakePeer, createCrowd } = require('../support/fake-peer')
const { aWhileAgo } = require('../support/entries')
const { eventually } = require('../support/eventually')

const ROUNDS = 60

test('mended 07: every third round goes to a monitor', async (t) => {
  const monitor = await createFakePeer(t, { monitor: true })
  const crowd = await createCrowd(t, 30)
  const servers = [monitor.entry(aWhileAgo()), ...crowd.entries(aWhileAgo())]
  await startSubject(t, { servers, env: { SHAZBOT_GOSSIP_INTERVAL: '0.2' } })
  const atStart = { monitor: monitor.gossips.length, others: crowd.gossips.length }
  const withMonitor = () => monitor.gossips.length - atStart.monitor
  const withOthers = () => crowd.gossips.length - atStart.others

  await eventually(() => withMonitor() + withOthers() >= ROUNDS, { within: 30_000, what: `${ROUNDS} rounds` })

  // At random it would be one round in 31: about 2, and 12 or more once in a million runs.
  const count = withMonitor()
  assert.ok(count >= ROUNDS / 5, `${count} of ${ROUNDS} rounds went to the monitor`)
  assert.ok(withOthers() >= ROUNDS / 2, 'the others are not forgotten over the monitor')
})
