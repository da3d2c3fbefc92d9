/** The cost of gossip requests in a real Express 5 server, under load from another process. */

import { setTimeout as pause } from 'node:timers/promises'
import { rowsOf } from './express/rows.mjs'
import { Child } from './support/child.mjs'
import { Cluster, message } from './support/cluster.mjs'
import { SECRET } from './support/settings.mjs'

export const title = 'Express 5 under load'
export const about =
  'The server and autocannon run in separate processes, with full lists of equal stamps. The empty route reads the ' +
  'same bytes and returns as many, in a process whose engine has read the same list, so that V8 collects garbage as ' +
  'often; “above the empty route” means without its cost. Delays are those of the event loop at a constant request ' +
  'rate. Even an idle event loop has a delay, because timers are coarse.'

const KINDS = ['adapter', 'hand-written', 'reference', 'empty']
const SIZES = [1_000, 10_000]
const CONNECTIONS = 4
/**
 * Seconds of small requests first, so that V8 compiles the hot code; large requests are too few.
 */
const WARM_UP = 3
/** Requests per second while delays are measured: far more than a cluster of this size makes. */
const REQUEST_RATE = { 1000: 50, 10000: 10 }

export async function measure({ quick = false, progress = () => {} } = {}) {
  const how = quick ? { rounds: 3, seconds: 1 } : { rounds: 5, seconds: 2 }
  const moment = Cluster.moment()
  const peers = await Child.start(new URL('./support/peers.mjs', import.meta.url), moment)
  try {
    const rows = []
    for (const servers of SIZES) {
      rows.push(...(await measureSize({ ...moment, servers, address: peers.first }, how, progress)))
    }
    return rows
  } finally {
    peers.end()
  }
}

async function measureSize(peers, { rounds, seconds }, progress) {
  const { servers } = peers
  const cluster = new Cluster(peers)
  const body = message(cluster.entries())
  const few = message([cluster.entry(0)])
  const children = new Map()
  const found = new Map(KINDS.map((kind) => [kind, { costs: [], rates: [], delays: [], idle: [] }]))
  try {
    for (const kind of KINDS) {
      children.set(
        kind,
        await Child.start(new URL('./express/server.mjs', import.meta.url), { ...peers, kind }),
      )
    }
    for (const child of children.values()) {
      await load(child, { body: few, seconds: WARM_UP })
      await load(child, { body, seconds: 1 })
    }
    for (let round = 0; round < rounds; round++) {
      progress(`${servers} servers, round ${round + 1} of ${rounds}`)
      for (const kind of KINDS) {
        const [child, { costs, rates, delays, idle }] = [children.get(kind), found.get(kind)]
        const full = await load(child, { body, seconds })
        costs.push(full.microseconds / full.requests)
        rates.push(full.requests / full.seconds)
        delays.push((await load(child, { body, seconds, pace: REQUEST_RATE[servers] })).delay)
        idle.push((await rest(child, seconds)).delay)
      }
    }
  } finally {
    for (const child of children.values()) child.end()
  }
  return rowsOf(servers, found)
}

/** Sends as many requests as it answers, or a fixed number per second. */
async function load(child, { body, seconds, pace }) {
  const { default: autocannon } = await import('autocannon')
  await child.ask({ begin: pace ? 'delays' : 'costs' })
  const result = await autocannon({
    url: `http://127.0.0.1:${child.first}/clustershazbot/gossip`,
    method: 'POST',
    headers: { 'Content-Type': 'application/json', Authorization: SECRET },
    body,
    duration: seconds,
    connections: pace ? 1 : CONNECTIONS,
    ...(pace && { overallRate: pace }),
  })
  const used = await child.ask('end')
  if (result.non2xx + result.errors > 0)
    throw new Error(`${result.non2xx} rejections, ${result.errors} errors`)
  return { ...used, requests: result['2xx'], seconds: result.duration }
}

async function rest(child, seconds) {
  await child.ask({ begin: 'delays' })
  await pause(seconds * 1_000)
  return child.ask('end')
}
