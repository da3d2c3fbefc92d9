import { row } from '../support/row.mjs'
import { summary } from '../support/statistics.mjs'

/** The target: a share of the reference's cost above the empty route. */
const SHARE = { 1000: 1 / 15, 10000: 1 / 25 }
/** The target: milliseconds by which the event loop may lag more than an idle one. */
const LAG = 0.5

/**
 * Returns the figures of a cluster of this size.
 *
 * @param {Map<string, { costs: number[], rates: number[], delays: number[], idle: number[] }>} found by kind of server
 */
export function rowsOf(servers, found) {
  const reference = found.get('reference')
  const kinds = [...found].filter(([kind]) => kind !== 'reference')
  return [
    ...kinds.map(([kind, { costs }]) =>
      row({ name: `${kind}: a request`, servers, numbers: costs, reference: reference.costs }),
    ),
    ...kinds
      .filter(([kind]) => kind !== 'empty')
      .map(([kind, { costs }]) => aboveEmpty(servers, kind, costs, found)),
    ...kinds.map(([kind, { rates }]) =>
      row({
        name: `${kind}: requests per second`,
        servers,
        unit: '/s',
        numbers: rates,
        reference: reference.rates,
      }),
    ),
    ...[...found].map(([kind, delays]) => lag(servers, kind, delays)),
  ]
}

function aboveEmpty(servers, kind, costs, found) {
  const empty = summary(found.get('empty').costs).value
  const above = (all) => all.map((cost) => Math.max(0, cost - empty))
  return row({
    name: `${kind}: above the empty route`,
    servers,
    numbers: above(costs),
    reference: above(found.get('reference').costs),
    wanted: kind === 'adapter' ? { of: 'ratio', most: SHARE[servers] } : undefined,
  })
}

function lag(servers, kind, { delays, idle }) {
  return row({
    name: `${kind}: event-loop delay p99 above an idle one (${summary(idle).value.toFixed(2)} ms)`,
    servers,
    unit: 'ms',
    numbers: delays.map((delay, round) => delay - idle[round]),
    wanted: kind === 'adapter' ? { of: 'value', most: LAG } : undefined,
  })
}
