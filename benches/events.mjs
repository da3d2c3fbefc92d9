/** How soon listeners hear of a change, and what that costs the main thread. */

import { firstMessage } from './support/child.mjs'
import { row } from './support/row.mjs'

export const title = 'Events'
export const about =
  'The time from a change in the engine to its listener, while the event loop is idle, and the main-thread CPU time of ' +
  'one listener of `change` for 10,000 changes within a second, above that of the same second without a listener.'

/** Microseconds from a change to its listener. */
const MAX_MEDIAN = 1_000
const MAX_P99 = 5_000
/** Microseconds of the main thread for 10,000 changes. */
const MAX_COST = 50_000

export async function measure({ quick = false, progress = () => {} } = {}) {
  const program = new URL('./events/server.mjs', import.meta.url)
  const run = async (input) => {
    progress(Object.values(input).join(', '))
    return firstMessage(program, input, ['--expose-gc'])
  }
  const times = quick ? 1 : 5
  const delays = (await run({ what: 'delays', samples: quick ? 100 : 1_000 })).toSorted((a, b) => a - b)
  const costs = []
  const changes = []
  for (let time = 0; time < times; time++) {
    const bare = await run({ what: 'burst', hears: false })
    const heard = await run({ what: 'burst', hears: true })
    costs.push(heard.cost - bare.cost)
    changes.push(heard.changes)
  }
  const p99 = delays[Math.floor(delays.length * 0.99)]
  return [
    row({ name: 'from a change to its listener', numbers: delays, wanted: most(MAX_MEDIAN) }),
    row({ name: 'the same, 99th percentile', numbers: [p99], wanted: most(MAX_P99) }),
    row({ name: 'a listener of 10,000 changes', servers: 5_000, numbers: costs, wanted: most(MAX_COST) }),
    row({ name: 'calls of that listener', servers: 5_000, unit: '', numbers: changes }),
  ]
}

const most = (limit) => ({ of: 'value', most: limit })
