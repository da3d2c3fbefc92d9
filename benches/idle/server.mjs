/**
 * A program that only runs a server in a cluster, or not even that (`bare`). Once the server knows
 * all others, it reports the main thread's CPU time per second, measured several times, and the
 * memory of the process.
 */

import { createRequire } from 'node:module'
import { setTimeout as pause } from 'node:timers/promises'
import { Cluster, message } from '../support/cluster.mjs'
import { cpuTime } from '../support/cpu.mjs'
import { SECRET, settings } from '../support/settings.mjs'

const { kind, times, seconds, interval, ...peers } = JSON.parse(process.argv[2])
const require = createRequire(import.meta.url)
console.log = () => {}

/** A start does some work that ends seconds later. */
const SETTLED = 5_000

/** The kinds: the package, and how it learns of the other servers. */
const KINDS = {
  bare: undefined,
  alone: { path: 'clustershazbot' },
  native: { path: 'clustershazbot', masterList: (cluster) => cluster.nativeMasterList() },
  legacy: { path: 'clustershazbot', online: (cluster) => cluster.entries() },
  reference: { path: '../../__test__/reference', online: (cluster) => cluster.entries() },
}

if (KINDS[kind]) await start(KINDS[kind])
await pause(SETTLED)
globalThis.gc()
const memory = process.memoryUsage.rss()
const costs = []
for (let time = 0; time < times; time++) {
  const before = cpuTime()
  await pause(seconds * 1_000)
  costs.push((cpuTime() - before) / seconds)
}
process.send({ costs, memory })

async function start({ path, masterList, online }) {
  const cluster = peers.servers && new Cluster(peers)
  Object.assign(process.env, settings({ SHAZBOT_GOSSIP_INTERVAL: `${interval}` }))
  if (masterList) process.env.SHAZBOT_MASTER_LIST = masterList(cluster)
  const shazbot = require(path)
  await shazbot.shazbotStart()
  if (online) await shazbot.shazbotGossipRequest(SECRET, JSON.parse(message(online(cluster))))
}
