'use strict'

const { describe, test } = require('node:test')
const assert = require('node:assert/strict')
const { spawnApp } = require('../support/app')
const { environment } = require('../support/environment')
const { eventually } = require('../support/eventually')
const { createMasterListStore } = require('../support/master-list-store')
const { SUBJECT } = require('../support/subject')

const ENV = { SHAZBOT_PROBE_INTERVAL: '0.2' }

/** Starts servers that see each other. */
async function startCluster(t, size) {
  const store = await createMasterListStore(t)
  const apps = []
  for (let count = 0; count < size; count++) {
    apps.push(await spawnApp(t, { modulePath: SUBJECT, env: environment(store, ENV) }))
    if (count === 0) store.write([{ baseUrl: apps[0].baseUrl, monitor: false, lastUpdate: Date.now() }])
  }
  await becomes(apps, (metrics) => metrics.of('members{state="online"}') === size, 'all servers to be online')
  return apps
}

/** Waits until the metrics of all these servers fulfil a condition; resolves with the last ones. */
async function becomes(apps, isTrue, what, within = 60_000) {
  const read = async () => {
    const all = await Promise.all(apps.map((app) => app.metrics()))
    return all.every(isTrue) && all
  }
  return eventually(read, { within, what })
}

describe('metrics of clusters', { concurrency: 2 }, () => {
  test('a server that is killed is a confirmed suspicion, and one that was paused a refuted one', async (t) => {
    const [first, second, third] = await startCluster(t, 3)
    const isAgreed = (metrics) =>
      metrics.of('native_members') === 3 &&
      metrics.sum('requests_total', { kind: 'probe', outcome: 'ok' }) > 16 &&
      metrics.of('disagreeing_answers_ratio') === 0
    const [before] = await becomes([first, second, third], isAgreed, 'equal views')
    assert.ok(before.sum('received_requests_total', { route: 'gossip', wire: 'native', outcome: 'ok' }) > 0)
    const syncs = [first, second, third].map(async (app) =>
      (await app.metrics()).sum('requests_total', { kind: 'sync', outcome: 'ok' }),
    )
    assert.ok(
      (await Promise.all(syncs)).some((count) => count > 0),
      'a joiner asks for the list',
    )
    assert.ok(before.of('sent_bytes_total') > 1_000)
    assert.ok(before.of('received_bytes_total') > 1_000)
    assert.equal(before.of('isolated'), 0)
    third.signal('SIGSTOP')
    const isSuspect = (metrics) => metrics.of('members{state="suspect"}') === 1
    const [during] = await becomes([first, second], isSuspect, 'a suspicion')
    assert.equal(during.of('members{state="online"}'), 2)
    third.signal('SIGCONT')
    await becomes(
      [first, second],
      (metrics) => metrics.of('suspicions_total{outcome="refuted"}') >= 1,
      'the suspicion to be refuted',
    )
    const isAlive = (metrics) => metrics.of('members{state="online"}') === 3
    await becomes([first, second], isAlive, 'all servers to be online again')
    third.signal('SIGSTOP')
    await becomes(
      [first],
      (metrics) => metrics.of('suspicions_total{outcome="confirmed"}') >= 1,
      'the suspicion to be confirmed',
    )
    const timeouts = (metrics) => metrics.sum('requests_total', { outcome: 'timeout' })
    await becomes([first], (metrics) => timeouts(metrics) > 0, 'timeouts')
    third.signal('SIGCONT')
    await third.kill()
    await second.kill()
    await becomes([first], (metrics) => metrics.of('members{state="dead"}') === 2, 'two deaths')
    const [after] = await becomes(
      [first],
      (metrics) => metrics.sum('requests_total', { outcome: 'refused' }) > 0,
      'refused requests',
    )
    assert.ok(after.sum('view_changes_total', { type: 'down' }) >= 2)
    assert.doesNotMatch(after.text, /http|127\.0/)
  })

  test('a server that loses all others at once is isolated, and the lag of one that blocks shows', async (t) => {
    const [first, ...others] = await startCluster(t, 6)
    for (const app of others) app.signal('SIGSTOP')
    await becomes([first], (metrics) => metrics.of('isolated') === 1, 'the isolation', 120_000)
    for (const app of others) app.signal('SIGCONT')
    await becomes([first], (metrics) => metrics.of('isolated') === 0, 'the end of the isolation')
    const [closed] = others
    await closed.stopListening()
    await becomes(
      [closed],
      (metrics) => metrics.of('requests_total{kind="own-url",outcome="refused"}') > 0,
      'a request to its own URL',
    )
    await first.block(1_500)
    const lag = await first.metrics()
    assert.ok(lag.of('event_loop_lag_seconds') > 0.9, `${lag.of('event_loop_lag_seconds')} s`)
  })
})
