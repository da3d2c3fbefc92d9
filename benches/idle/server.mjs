/**
 * A program that does nothing but run a server in a cluster, or not even that (`bare`). Once all is known, tells what the main
 * thread computes in a second, found out over so many seconds so many times, and what memory the process has.
 */

import { createRequire } from 'node:module'
import { setTimeout as pause } from 'node:timers/promises'
import { Cluster, message } from '../support/cluster.mjs'
import { computed } from '../support/cpu.mjs'
import { SECRET, settings } from '../support/settings.mjs'

const { kind, times, seconds, interval, ...peers } = JSON.parse(process.argv[2])
const require = createRequire(import.meta.url)
console.log = () => {}

/** A start has its own work, which ends some seconds later. */
const SETTLED = 5_000

/** By kind: the package, and how it comes to know the others. */
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
  const before = computed()
  await pause(seconds * 1_000)
  costs.push((computed() - before) / seconds)
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
