/** The main-thread cost of a server without requests: its rounds of gossip run on other threads. */

import { Child, firstMessage } from './support/child.mjs'
import { Cluster } from './support/cluster.mjs'
import { row } from './support/row.mjs'

export const title = 'Idle'
export const about =
  'The main-thread CPU time of a process that only gossips, minus that of an idle process at the same time. ' +
  'Native servers send one probe per second. Legacy peers are contacted once per second here.'

const SIZES = [10, 1_000, 10_000]
/** Microseconds of the main thread per second, in which the engine probes the event loop once. */
const MAX_IDLE_COST = 100

export async function measure({ quick = false, progress = () => {} } = {}) {
  const how = quick ? { times: 1, seconds: 3 } : { times: 5, seconds: 6 }
  const moment = Cluster.moment()
  const peers = await Child.start(new URL('./support/peers.mjs', import.meta.url), moment)
  const program = new URL('./idle/server.mjs', import.meta.url)
  // Rounds start once per second, so a second has the cost of one.
  const costs = async (kind, servers) => {
    const input = { ...how, ...moment, address: peers.first, kind, servers, interval: 1 }
    return (await firstMessage(program, input, ['--expose-gc'])).costs
  }
  // Both at the same time, because what the machine does meanwhile is charged to both.
  const above = async (kind, servers) => {
    progress(`${kind}, ${servers} servers`)
    const [busy, idle] = await Promise.all([costs(kind, servers), costs('bare')])
    return busy.map((cost, time) => cost - idle[time])
  }
  try {
    const wanted = { of: 'value', most: MAX_IDLE_COST }
    const rows = []
    for (const servers of SIZES) {
      const [native, legacy] = [await above('native', servers), await above('legacy', servers)]
      const reference = await above('reference', servers)
      rows.push(row({ name: 'a round among native servers', servers, numbers: native, wanted }))
      rows.push(row({ name: 'a round among legacy peers', servers, numbers: legacy, reference, wanted }))
    }
    return rows
  } finally {
    peers.end()
  }
}
