/** What a server costs the main thread that nobody asks anything: its own rounds of gossip, which go on in other threads. */

import { Child, told } from './support/child.mjs'
import { Cluster } from './support/cluster.mjs'
import { row } from './support/row.mjs'

export const title = 'At rest'
export const about =
  'Main-thread CPU of a process that only gossips, above that of one that does nothing. Native servers probe once a second; ' +
  'servers of version 1 are met once a second here.'

const SIZES = [10, 1_000, 10_000]
/** Microseconds of the main thread for a round: twice a second it is asked for a sign of life. */
const NEARLY_NOTHING = 100

export async function measure({ quick = false, progress = () => {} } = {}) {
  const seconds = quick ? 3 : 20
  const repeats = quick ? 1 : 3
  const moment = Cluster.moment()
  const crowd = await Child.start(new URL('./support/crowd.mjs', import.meta.url), moment)
  // Rounds come once a second, and a second has one of them.
  const cost = async (kind, servers) => {
    const input = { ...moment, address: crowd.first, kind, servers, seconds, interval: 1 }
    const { microseconds } = await told(new URL('./idle/server.mjs', import.meta.url), input, ['--expose-gc'])
    return microseconds / seconds
  }
  const costs = async (kind, servers, bare) => {
    progress(`${kind}, ${servers} servers`)
    const numbers = []
    for (let repeat = 0; repeat < repeats; repeat++) numbers.push((await cost(kind, servers)) - bare)
    return numbers
  }
  try {
    const bare = await cost('bare')
    const rows = []
    for (const servers of SIZES) {
      const wanted = { of: 'value', most: NEARLY_NOTHING }
      const reference = await costs('reference', servers, bare)
      const legacy = await costs('legacy', servers, bare)
      const native = await costs('native', servers, bare)
      rows.push(row({ name: 'a round among native servers', servers, numbers: native, wanted }))
      rows.push(
        row({ name: 'a round among servers of version 1', servers, numbers: legacy, reference, wanted }),
      )
    }
    return rows
  } finally {
    crowd.end()
  }
}
