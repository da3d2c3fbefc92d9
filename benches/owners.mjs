/** The main-thread cost of asking which server owns a key. */

import { rowsBySize } from './support/by-size.mjs'
import { firstMessage } from './support/child.mjs'
import { FLAGS } from './support/interleaved.mjs'

export const title = 'Owners of keys'
export const about =
  'The main-thread time of one call. The owner itself compares its number with those of all other servers; another ' +
  'server stops at the first that ranks higher. After a server has come or gone, the first call reads all numbers ' +
  'again.'

const SIZES = [100, 1_000, 10_000]

/** @returns {Promise<import('./support/row.mjs').Row[]>} */
export async function measure({ quick = false, progress = () => {} } = {}) {
  const how = quick ? { rounds: 7, budget: 2_000, changes: 20 } : { rounds: 21, budget: 10_000, changes: 200 }
  const program = new URL('./owners/calls.mjs', import.meta.url)
  return rowsBySize(SIZES, progress, (input) => firstMessage(program, { ...how, ...input }, FLAGS))
}
