/**
 * Counts how often `shazbotRunOnce` runs a job in a cluster whose servers join, crash and leave:
 * `npm run test:run-once`. Ten processes run a job every second. `-- --seconds 600` takes longer.
 */

import { createRequire } from 'node:module'
import { setTimeout as pause } from 'node:timers/promises'
import { parseArgs } from 'node:util'

const require = createRequire(import.meta.url)
const { JobCluster } = require('../../__test__/support/job-cluster.js')
const { seededRandom } = require('../../__test__/support/seeded-random.js')

const CHANGES = ['crash', 'join', 'leave', 'join']
/** The times between changes, in milliseconds. */
const [SHORTEST, LONGEST] = [2_000, 8_000]

const { values: wanted } = parseArgs({
  options: {
    servers: { type: 'string', default: '10' },
    seconds: { type: 'string', default: '60' },
    seed: { type: 'string', default: '1' },
  },
})
const roll = seededRandom(Number(wanted.seed))
const cleanUps = []

try {
  const cluster = await JobCluster.create(
    { after: (cleanUp) => cleanUps.push(cleanUp) },
    { servers: Number(wanted.servers) },
  )
  cluster.begin()
  await change(cluster, performance.now() + Number(wanted.seconds) * 1_000)
  await cluster.end()
  print(cluster.counts())
} finally {
  await Promise.all(cleanUps.map((cleanUp) => cleanUp()))
}

async function change(cluster, end) {
  for (let number = 0; ; number++) {
    const delay = SHORTEST + roll(LONGEST - SHORTEST)
    const left = end - performance.now()
    await pause(Math.min(delay, Math.max(left, 0)))
    if (delay >= left) return
    const kind = CHANGES[number % CHANGES.length]
    console.error(`${kind}, ${cluster.size} servers before`)
    await cluster[kind](roll(cluster.size))
  }
}

function print({ agreed, disturbed }) {
  const rows = [
    ['while all servers had the same list', agreed],
    ['during changes', disturbed],
  ]
  const columns = Math.max(agreed.length, disturbed.length)
  const numbers = Array.from({ length: columns }, (_, times) => times)
  console.log(`| jobs | ${numbers.map((times) => `ran ${times} times`).join(' | ')} |`)
  console.log(`|---|${numbers.map(() => '--:').join('|')}|`)
  for (const [name, counts] of rows)
    console.log(`| ${name} | ${numbers.map((times) => counts[times] ?? 0).join(' | ')} |`)
}
