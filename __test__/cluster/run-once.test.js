'use strict'

/** Jobs that all servers call and one of them runs. `npm run test:run-once` takes longer. */

const assert = require('node:assert/strict')
const { describe, test } = require('node:test')
const { setTimeout: pause } = require('node:timers/promises')
const { eventually } = require('../support/eventually')
const { JobCluster } = require('../support/job-cluster')

describe('shazbotRunOnce in a cluster', { concurrency: true }, () => {
  test('runs each job once while all agree, and at most twice during changes', async (t) => {
    const cluster = await JobCluster.create(t, { servers: 5 })
    cluster.begin()
    const agreed = () => cluster.counts().agreed[1]
    await eventually(() => agreed() >= 5, { within: 60_000, what: 'five jobs before any change' })
    cluster.crash(1)
    await pause(1_500)
    await cluster.join()
    await pause(1_500)
    cluster.leave(2)
    const before = agreed()
    await eventually(() => agreed() >= before + 5, { within: 60_000, what: 'five jobs after the changes' })
    await cluster.end()
    const counts = cluster.counts()
    assert.deepEqual([counts.agreed[0], counts.agreed[2], counts.agreed.length], [0, 0, 3])
    assert.equal(counts.disturbed.length, 3, `${counts.disturbed}`)
  })

  test('runs nothing on a server that has lost all others, which stays ready', async (t) => {
    const cluster = await JobCluster.create(t, { servers: 5 })
    cluster.begin()
    await eventually(() => cluster.counts().agreed[1] >= 2, { within: 60_000, what: 'two jobs' })
    await cluster.hold(0)
    const cutOff = cluster.isolate(0)
    const aborted = cluster.aborted(cutOff)
    await eventually(() => cluster.latestReason(cutOff) === 'isolated', {
      within: 90_000,
      what: 'a call that finds it isolated',
    })
    const { reason, isReady } = await aborted
    assert.match(reason, /this server has lost contact with most others/)
    assert.equal(isReady, true)
  })
})
