/** The main-thread cost of reading the metrics. */

import { rowsBySize } from './support/by-size.mjs'
import { firstMessage } from './support/child.mjs'
import { FLAGS } from './support/interleaved.mjs'

export const title = 'Metrics'
export const about =
  'The main-thread time of one call of shazbotMetrics(), with the text that Prometheus reads, and of one reading of ' +
  'the same numbers by a registry of prom-client. Neither depends on the number of servers.'

const SIZES = [10, 1_000, 10_000]

/** @returns {Promise<import('./support/row.mjs').Row[]>} */
export async function measure({ quick = false, progress = () => {} } = {}) {
  const how = quick ? { rounds: 7, budget: 2_000 } : { rounds: 21, budget: 10_000 }
  const program = new URL('./metrics/calls.mjs', import.meta.url)
  return rowsBySize(SIZES, progress, (input) => firstMessage(program, { ...how, ...input }, FLAGS))
}
