/** The main-thread cost of the parts of a gossip exchange, which shows where its limit is. */

import { rowsBySize } from './support/by-size.mjs'
import { firstMessage } from './support/child.mjs'
import { FLAGS } from './support/interleaved.mjs'

export const title = 'The parts of an exchange'
export const about =
  'The main-thread CPU time of the parts of an exchange with lists in no order. Objects: what is done for each ' +
  'request. Raw: the exchange, and the same with nothing but spaces to read on the other thread; also with all ' +
  'threads on one processor. The reference is its whole exchange.'

/** Servers of an exchange with objects, and of a raw one, which another thread reads. */
const SIZES = [10, 1_000]

/** @returns {Promise<import('./support/row.mjs').Row[]>} */
export async function measure({ quick = false, progress = () => {} } = {}) {
  const how = quick ? { rounds: 7, budget: 2_000 } : { rounds: 21, budget: 10_000 }
  return rowsBySize(SIZES, progress, (input) => {
    const name = input.servers === SIZES[0] ? 'objects' : 'raw'
    return firstMessage(new URL(`./parts/${name}.mjs`, import.meta.url), { ...how, ...input }, FLAGS)
  })
}
