/** The main-thread cost of reading the metrics. */

import { Child, firstMessage } from './support/child.mjs'
import { Cluster } from './support/cluster.mjs'
import { FLAGS } from './support/interleaved.mjs'

export const title = 'Metrics'
export const about =
  'The main-thread time of one call of shazbotMetrics(), with the text that Prometheus reads, and of one reading of ' +
  'the same numbers by a registry of prom-client. Neither depends on the number of servers.'

const SIZES = [10, 1_000, 10_000]

/** @returns {Promise<import('./support/row.mjs').Row[]>} */
export async function measure({ quick = false, progress = () => {} } = {}) {
  const how = quick ? { rounds: 7, budget: 2_000 } : { rounds: 21, budget: 10_000 }
  const moment = Cluster.moment()
  const peers = await Child.start(new URL('./support/peers.mjs', import.meta.url), moment)
  const rows = []
  try {
    for (const servers of SIZES) {
      progress(`${servers} servers`)
      const input = { ...how, ...moment, servers, address: peers.first }
      rows.push(...(await firstMessage(new URL('./metrics/calls.mjs', import.meta.url), input, FLAGS)))
    }
  } finally {
    peers.end()
  }
  return rows
}
