'use strict'

/**
 * A cluster of 25 processes with production settings. It prints its measurements. The asserted
 * limits are far higher, because tests share their machine. `npm run bench:clusters` has the strict
 * limits.
 */

const { test } = require('node:test')
const assert = require('node:assert/strict')
const { setTimeout: pause } = require('node:timers/promises')
const { WatchedCluster } = require('../support/watched-cluster')

const SERVERS = 25

/** Expected are 1 s for a join and a leave, 5 s for a crash, 2 kB/s and 1 % of a core. */
const SLACK = 5
const NEWS_WITHIN = SLACK * 1_000
const CRASH_SEEN_WITHIN = 2 * SLACK * 5_000
const BYTES_PER_SECOND = SLACK * 2_000
const CPU = SLACK * 0.01

/**
 * By then all have probed all others. Before that, a silent server may not listen yet and gets a
 * grace.
 */
const STEADY_FOR = 25_000
const NO_RESURRECTION_FOR = 60_000

const shown = (times) => {
  const sorted = times.toSorted((one, other) => one - other)
  return `${sorted[sorted.length >> 1]} ms (median), ${sorted.at(-1)} ms (last)`
}

test('25 processes: news reaches all at once, dead servers stay dead, and the steady state is cheap', async (t) => {
  const cluster = await WatchedCluster.create(t)
  await cluster.start(SERVERS)

  const { bytesPerSecond, cpu, memory } = await cluster.rest(STEADY_FOR)
  const percent = (share) => `${(100 * share).toFixed(2)} %`
  t.diagnostic(`at rest: ${Math.round(bytesPerSecond)} bytes sent per server and second`)
  t.diagnostic(`at rest: ${percent(cpu.average)} of a core per server, ${percent(cpu.max)} at most`)
  t.diagnostic(`memory: ${Math.round(memory / 1e6)} MB in all`)
  const restless = cluster.falseDeaths()

  const [victim, second, leaver] = cluster.apps
  const crash = await cluster.kill(victim, CRASH_SEEN_WITHIN)
  const crashedAt = performance.now()
  t.diagnostic(`SIGKILL: ${shown(crash.times)}`)

  const leave = await cluster.leave(leaver, NEWS_WITHIN)
  t.diagnostic(`leave: ${shown(leave.times)}, its process ended after ${leave.exit} ms`)
  for (const nth of ['first', 'second']) {
    const { times } = await cluster.join(NEWS_WITHIN)
    t.diagnostic(`${nth} join: ${shown(times)} after its start`)
  }
  const another = await cluster.kill(second, CRASH_SEEN_WITHIN)
  t.diagnostic(`another SIGKILL: ${shown(another.times)}`)

  await pause(NO_RESURRECTION_FOR - (performance.now() - crashedAt))
  assert.deepEqual(cluster.resurrections(), [], 'no dead server comes back')
  await cluster.agree()
  for (const mistake of [...restless, ...cluster.falseDeaths()]) t.diagnostic(`by mistake ${mistake}`)
  assert.ok(bytesPerSecond < BYTES_PER_SECOND, `${bytesPerSecond} bytes per server and second`)
  assert.ok(cpu.average < CPU, `${percent(cpu.average)} of a core per server`)
})
