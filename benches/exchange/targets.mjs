/** The targets of an exchange, by way, kind of body and size of the cluster. */

const RAW = { 10: 0.6, 1000: 1 / 20, 10000: 1 / 60 }
const OBJECTS = { 10: 1, 100: 0.6, 1000: 0.6, 10000: 0.5 }
const NATIVE = { raw: 15, objects: 25 }
/** For responses that dominate the cost: µs for each 1,000 servers in them. */
const COST_PER_1000 = 15
/** The maximum ratio of a native exchange's cost between the largest and the smallest cluster. */
const MAX_GROWTH = 1.3

/** Returns the rows with their targets, and the growth of a native exchange with the cluster. */
export function withTargets(rows) {
  const all = rows.map((row) => ({ ...row, wanted: target(row) }))
  return [...all, ...['raw', 'objects'].flatMap((way) => growth(rows, way))]
}

function target({ way, kind, servers }) {
  if (kind === 'native') return { of: 'value', most: NATIVE[way] }
  if (way === 'list' || (kind === 'one entry' && way === 'raw')) return undefined
  if (kind === 'one entry')
    return servers < 1_000 ? undefined : { of: 'value', most: (COST_PER_1000 * servers) / 1_000 }
  if (way === 'objects') return { of: 'ratio', most: kind === 'in no order' ? 1 : OBJECTS[servers] }
  return RAW[servers] && { of: 'ratio', most: RAW[servers] }
}

function growth(rows, way) {
  const native = rows.filter((row) => row.way === way && row.kind === 'native')
  if (native.length < 2) return []
  const values = native.map(({ value }) => value)
  const name = `${way}, native: maximum over minimum of the sizes`
  return [
    {
      name,
      unit: '×',
      value: Math.max(...values) / Math.min(...values),
      wanted: { of: 'value', most: MAX_GROWTH },
    },
  ]
}
