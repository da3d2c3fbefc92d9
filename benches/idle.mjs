/** The main-thread cost of a server without requests: its rounds of gossip run on other threads. */

import { setTimeout as pause } from 'node:timers/promises'
import { Child } from './support/child.mjs'
import { Cluster } from './support/cluster.mjs'
import { cpuTimeOf } from './support/cpu.mjs'
import { row } from './support/row.mjs'

export const title = 'Idle'
export const about =
  'The main-thread CPU time of a process that only gossips, per second, minus that of an idle process at the same ' +
  'time. It is read from outside, because a process that measures itself wakes up for it. Native servers send one ' +
  'probe per second. Legacy peers are contacted once per second here. The empty timer fires once per second in a ' +
  'process without the package.'

const SIZES = [10, 1_000, 10_000]
/** Microseconds of the main thread per second, in which the engine probes the event loop once. */
const MAX_IDLE_COST = 100
/**
 * Milliseconds until V8 has collected the garbage of a start, which it does 8 s after its last
 * collection, and once more soon after that.
 */
const SETTLED = 12_000

export async function measure({ quick = false, progress = () => {} } = {}) {
  const how = quick ? { times: 1, seconds: 3 } : { times: 5, seconds: 6 }
  const moment = Cluster.moment()
  const peers = await Child.start(new URL('./support/peers.mjs', import.meta.url), moment)
  // Rounds start once per second, so a second has the cost of one.
  const above = (kind, servers) => {
    progress(servers ? `${kind}, ${servers} servers` : kind)
    return aboveIdle({ ...moment, address: peers.first, kind, servers, interval: 1 }, how)
  }
  try {
    const wanted = { of: 'value', most: MAX_IDLE_COST }
    const rows = [row({ name: 'an empty timer', numbers: await above('timer') })]
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

/** Both run at the same time, because what the machine does meanwhile is charged to both. */
async function aboveIdle(input, { times, seconds }) {
  const program = new URL('./idle/server.mjs', import.meta.url)
  const inputs = [input, { kind: 'bare' }]
  const children = await Promise.all(inputs.map((each) => Child.start(program, each, ['--expose-gc'])))
  const costs = () => children.map(({ first }) => cpuTimeOf(first.pid))
  const numbers = []
  try {
    await pause(SETTLED)
    for (let time = 0; time < times; time++) {
      const before = costs()
      await pause(seconds * 1_000)
      const [busy, idle] = costs().map((cost, index) => cost - before[index])
      numbers.push((busy - idle) / seconds)
    }
  } finally {
    for (const child of children) child.end()
  }
  return numbers
}
