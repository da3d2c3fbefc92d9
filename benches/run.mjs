/**
 * Measures everything, and writes docs/performance.md and its plots: `npm run bench`. `-- --only
 * exchange,load` measures only these parts. The others are taken from the last run (target/bench/),
 * or keep their chapters. `--quick` measures roughly, only to see whether it runs, and writes no
 * documents. The end of the output is a list of the targets that were missed. Best on an otherwise
 * idle machine.
 */

import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { machineHere } from './support/machine.mjs'
import { printMissed } from './support/missed.mjs'
import { print } from './support/print.mjs'
import { publish } from './support/publish.mjs'
import { ROOT } from './support/root.mjs'

/** The parts in the chapter's order. */
const PARTS = [
  'exchange',
  'parts',
  'owners',
  'express',
  'idle',
  'events',
  'metrics',
  'routes',
  'memory',
  'load',
  'real-clusters',
  'bytes',
  'floor',
]
const FOLDER = join(ROOT, 'target', 'bench')

const { values: wanted } = parseArgs({
  options: {
    only: { type: 'string', default: PARTS.join(',') },
    quick: { type: 'boolean', default: false },
  },
})
const chosen = wanted.only.split(',')
const unknown = chosen.filter((name) => !PARTS.includes(name))
if (unknown.length > 0) throw new Error(`There is no ${unknown.join(', ')}; there are ${PARTS.join(', ')}`)

mkdirSync(FOLDER, { recursive: true })
const began = Date.now()
const measured = []
for (const name of chosen) measured.push(...(await measure(name)))
if (!wanted.quick) await publish(PARTS, FOLDER)
printMissed(measured)

/** Measures a part; returns its figures, each with the part's title. */
async function measure(name) {
  const part = await import(`./${name}.mjs`)
  const progress = (what) => {
    const minutes = ((Date.now() - began) / 60_000).toFixed(1)
    console.error(`[${chosen.indexOf(name) + 1}/${chosen.length}] ${minutes} min  ${name}: ${what}`)
  }
  const machine = machineHere()
  const rows = await part.measure({ quick: wanted.quick, progress })
  print(part.title, rows)
  const result = { machine, loadAfter: machineHere().load, rows }
  const file = join(FOLDER, `${name}${wanted.quick ? '-quick' : ''}.json`)
  writeFileSync(file, `${JSON.stringify(result, null, 2)}\n`)
  return rows.map((row) => ({ ...row, part: part.title }))
}
