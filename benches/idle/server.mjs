/**
 * A program that only runs a server in a cluster, or not even that (`bare`, `timer`). Once the
 * server knows all others, it reports its process and the memory of that, and rests.
 */

import { createRequire } from 'node:module'
import { setTimeout as pause } from 'node:timers/promises'
import { Cluster, message } from '../support/cluster.mjs'
import { SECRET, settings } from '../support/settings.mjs'

const { kind, interval, ...peers } = JSON.parse(process.argv[2])
const require = createRequire(import.meta.url)
console.log = () => {}

/** A start does some work that ends seconds later. */
const SETTLED = 5_000

/** The kinds: the package, and how it learns of the other servers. */
const KINDS = {
  alone: { path: 'clustershazbot' },
  native: { path: 'clustershazbot', masterList: (cluster) => cluster.nativeMasterList() },
  legacy: { path: 'clustershazbot', online: (cluster) => cluster.entries() },
  reference: { path: '../../__test__/reference', online: (cluster) => cluster.entries() },
}

if (KINDS[kind]) await start(KINDS[kind])
if (kind === 'timer') setInterval(() => {}, 1_000)
process.on('disconnect', () => process.exit())
await pause(SETTLED)
globalThis.gc()
process.send({ pid: process.pid, memory: process.memoryUsage.rss() })

async function start({ path, masterList, online }) {
  const cluster = peers.servers && new Cluster(peers)
  Object.assign(process.env, settings({ SHAZBOT_GOSSIP_INTERVAL: `${interval}` }))
  if (masterList) process.env.SHAZBOT_MASTER_LIST = masterList(cluster)
  const shazbot = require(path)
  await shazbot.shazbotStart()
  if (online) await shazbot.shazbotGossipRequest(SECRET, JSON.parse(message(online(cluster))))
}
