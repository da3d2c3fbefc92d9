/**
 * Measures how fast news reaches all real processes of a cluster, and the cost of the steady state:
 * `npm run bench:clusters -- [--servers 3,10,25,50] [--events 5] [--json file]`. Uses default
 * settings; best on an otherwise idle machine. Exits with code 1 if a median misses its target.
 */

import { writeFileSync } from 'node:fs'
import { availableParallelism, loadavg } from 'node:os'
import { setTimeout as pause } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import clusters from '../__test__/support/watched-cluster.js'

const { WatchedCluster } = clusters

/**
 * A younger server that is silent may not listen yet, so it gets a grace from those that it never
 * answered.
 */
const GRACE_ENDS_AFTER = 30_000

/** The rows of the table with their targets: milliseconds, bytes per second, percent of a core. */
const ROWS = {
  join: { text: 'join → known to all, after its start', unit: 'ms', wanted: 1_000 },
  joinFromCall: { text: 'join → known to all, after its call of start', unit: 'ms' },
  leave: { text: 'leave → known to all', unit: 'ms', wanted: 1_000 },
  exit: { text: 'leave → its process has ended', unit: 'ms' },
  kill: { text: 'SIGKILL → known to all', unit: 'ms', wanted: 5_000 },
  killFirst: { text: 'SIGKILL → known to the first', unit: 'ms' },
  bytes: { text: 'steady state: HTTP sent per server', unit: 'B/s', wanted: 2_000 },
  cpu: { text: 'steady state: CPU per server', unit: '% of a core', wanted: 1, digits: 2 },
  memory: { text: 'memory per server', unit: 'MB' },
}

const { values } = parseArgs({
  options: {
    servers: { type: 'string', default: '3,10,25,50' },
    events: { type: 'string', default: '5' },
    json: { type: 'string' },
  },
})
const events = Number(values.events)
const results = []
for (const servers of values.servers.split(',').map(Number)) {
  const result = await measured(servers)
  results.push(result)
  print(result)
}
if (values.json)
  writeFileSync(values.json, `${JSON.stringify({ node: process.version, rows: ROWS, results }, null, 2)}\n`)
process.exitCode = results.some(isMissed) ? 1 : 0

async function measured(servers) {
  const endings = []
  const cluster = await WatchedCluster.create({ after: (end) => endings.push(end) })
  try {
    const load = loadavg()[0]
    await cluster.start(servers)
    const rest = await cluster.rest(GRACE_ENDS_AFTER)
    const times = { join: [], joinFromCall: [], leave: [], exit: [], kill: [], killFirst: [] }
    for (let i = 0; i < events; i++) {
      const { times: took } = await cluster.kill(await waitForGraceEnd(cluster))
      times.kill.push(Math.max(...took))
      times.killFirst.push(Math.min(...took))
      await oneMore(cluster, times)
      const leave = await cluster.leave(cluster.apps.at(-1))
      times.leave.push(Math.max(...leave.times))
      times.exit.push(leave.exit)
      await oneMore(cluster, times)
    }
    await cluster.agree()
    const mistakes = { resurrections: cluster.resurrections(), falseDeaths: cluster.falseDeaths() }
    const figures = Object.fromEntries(Object.entries(times).map(([name, all]) => [name, summary(all)]))
    figures.bytes = { median: rest.bytesPerSecond }
    figures.cpu = { median: rest.cpu.average * 100, max: rest.cpu.max * 100 }
    figures.memory = { median: rest.memory / servers / 1e6 }
    return { servers, events, cores: availableParallelism(), load, ...figures, ...mistakes }
  } finally {
    await Promise.all(endings.map((end) => end()))
  }
}

async function oneMore(cluster, times) {
  const { times: took, timesFromCall } = await cluster.join()
  times.join.push(Math.max(...took))
  times.joinFromCall.push(Math.max(...timesFromCall))
}

async function waitForGraceEnd({ apps }) {
  const [eldest] = apps
  await pause(Math.max(0, eldest.answered + GRACE_ENDS_AFTER - Date.now()))
  return eldest
}

function summary(all) {
  const sorted = all.toSorted((one, other) => one - other)
  return { median: sorted[sorted.length >> 1], max: sorted.at(-1), all }
}

function isMissed(result) {
  const isOver = ([name, { wanted }]) => result[name].median > wanted
  return result.resurrections.length > 0 || Object.entries(ROWS).some(isOver)
}

function print(result) {
  const { servers, cores, load, resurrections, falseDeaths } = result
  const heading = `${servers} servers, ${events} events of each kind, ${cores} cores, load ${load.toFixed(1)} at first`
  console.log(`\n${heading}\n${row('', 'median', 'max', 'target')}`)
  for (const [name, { text, unit, wanted, digits = 0 }] of Object.entries(ROWS)) {
    const { median, max } = result[name]
    const [shown, most] = [median, max].map((value) => value?.toFixed(digits) ?? '')
    console.log(row(text, shown, most, wanted === undefined ? '' : `≤ ${wanted}`, unit))
  }
  for (const resurrection of resurrections) console.log(`  came back: ${resurrection}`)
  for (const mistake of falseDeaths) console.log(`  by mistake: ${mistake}`)
}

function row(text, ...cells) {
  const [median, max, wanted, unit = ''] = cells
  return `  ${text.padEnd(46)}${median.padStart(8)}${max.padStart(8)}${wanted.padStart(10)}  ${unit}`.trimEnd()
}
