/** The time to load the package in programs that do nothing else, and the reference peer's. */

import { execFileSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { row } from './support/row.mjs'

export const title = 'Loading'
export const about =
  'The time of a cold `require` or `import` by path, each in a new process. The first run does not count, because ' +
  'it may read the files from disk.'

/** Milliseconds by which loading may be slower than the reference. */
const MAX_EXTRA_MS = 2
const PROGRAMS = {
  require: ['require.cjs', 'require-reference.cjs'],
  import: ['import.mjs', 'import-reference.mjs'],
}

export async function measure({ quick = false, progress = () => {} } = {}) {
  const processes = quick ? 5 : 31
  return Object.entries(PROGRAMS).flatMap(([name, programs]) => {
    progress(`${name}, ${processes} processes`)
    programs.forEach(timeToLoad)
    const times = Array.from({ length: processes }, () => programs.map(timeToLoad))
    const [ours, theirs] = [0, 1].map((who) => times.map((pair) => pair[who]))
    const more = ours.map((time, index) => time - theirs[index])
    return [
      row({ name, unit: 'ms', numbers: ours, reference: theirs }),
      row({
        name: `${name}: time above the reference`,
        unit: 'ms',
        numbers: more,
        wanted: { of: 'value', most: MAX_EXTRA_MS },
      }),
    ]
  })
}

function timeToLoad(program) {
  const path = fileURLToPath(new URL(`load/${program}`, import.meta.url))
  return Number(execFileSync(process.execPath, [path], { encoding: 'utf8' }))
}
