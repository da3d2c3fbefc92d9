/** The time of layer 0 for each part of an exchange: `cargo bench` and criterion's results. */

import { spawnSync } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { targetFolder } from './support/measured-program.mjs'
import { ROOT } from './support/root.mjs'

export const title = 'The protocol alone'
export const about =
  'The time of `src/protocol/` on one thread: `cargo bench --no-default-features`. The cases are in ' +
  '`benches/floor/cases.rs`.'
export const plots = [
  { file: 'floor-merge', title: 'Merging a full list', rows: ({ name }) => name.startsWith('merge') },
]

const MERGES = ['merge-equal', 'merge-newer', 'merge-claims-equal', 'merge-claims-newer']
/** Microseconds for 10,000 claims. */
const MAX_MERGE_TIME = 1_000
/** The sizes in the chapter's order. */
const SIZES = [100, 1_000, 10_000]

export async function measure({ quick = false, progress = () => {} } = {}) {
  progress('cargo bench')
  const flags = ['bench', '--no-default-features', '--bench', 'floor', '--', '--noplot']
  const { status } = spawnSync('cargo', [...flags, ...(quick ? ['--quick'] : [])], {
    cwd: ROOT,
    stdio: ['ignore', 'ignore', 'inherit'],
  })
  if (status !== 0) throw new Error('cargo bench failed')
  const folder = join(targetFolder(), 'criterion')
  const cases = readdirSync(folder).filter((name) => name !== 'report')
  return cases.flatMap((name) => SIZES.map((servers) => figure(folder, name, servers)))
}

function figure(folder, name, servers) {
  const text = readFileSync(join(folder, name, `${servers}`, 'new', 'estimates.json'), 'utf8')
  const { median } = JSON.parse(text)
  const { lower_bound: low, upper_bound: high } = median.confidence_interval
  const [value, ...around] = [median.point_estimate, low, high].map((nanoseconds) => nanoseconds / 1_000)
  const isBarred = MERGES.includes(name) && servers === 10_000
  return {
    name,
    servers,
    unit: 'µs',
    value,
    low: around[0],
    high: around[1],
    wanted: isBarred ? { of: 'value', most: MAX_MERGE_TIME } : undefined,
  }
}
