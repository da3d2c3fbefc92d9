/**
 * Counts the instructions of layer 0 for each part of an exchange, which do not depend on load, and
 * compares them with benches/instructions.json: `npm run check:instructions`. `-- --renew` updates
 * that file. Needs valgrind. Compilers differ, so only the compiler in the file is compared.
 */

import { execFile, execFileSync, spawnSync } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { measuredProgram } from '../../benches/support/measured-program.mjs'
import { inParallel } from '../../benches/support/parallel.mjs'

const TOLERANCE = 0.1
const SERVERS = 1_000
/** Runs of a case, after one that does not count. */
const TIMES = 10

const FILE = fileURLToPath(new URL('../../benches/instructions.json', import.meta.url))
const { values: wanted } = parseArgs({ options: { renew: { type: 'boolean', default: false } } })

if (spawnSync('valgrind', ['--version']).status !== 0) {
  console.log('not run: valgrind, which counts instructions, is not installed')
} else {
  const compiler = compilerHere()
  const baseline = JSON.parse(readFileSync(FILE, 'utf8'))
  if (wanted.renew || baseline.compiler === compiler) await count(compiler, baseline)
  else console.log(`not run: the counts are those of ${baseline.compiler}, and this is ${compiler}`)
}

/** Returns the number of instructions of the whole program. */
function instructions(program, name, times) {
  const what = ['--tool=callgrind', '--callgrind-out-file=/dev/null', program, 'work', name, SERVERS, times]
  return new Promise((resolve, reject) => {
    execFile('valgrind', what.map(String), (error, _stdout, stderr) => {
      if (error) return reject(error)
      resolve(Number(/Collected : (\d+)/.exec(stderr)[1]))
    })
  })
}

async function count(compiler, baseline) {
  const program = measuredProgram()
  const names = execFileSync(program, ['cases'], { encoding: 'utf8' }).trim().split('\n')
  const counted = await inParallel(names, availableParallelism(), async (name) => {
    const once = await instructions(program, name, 0)
    const often = await instructions(program, name, TIMES)
    return [name, Math.round((often - once) / TIMES)]
  })
  if (wanted.renew) write(compiler, Object.fromEntries(counted))
  else compare(Object.fromEntries(counted), baseline.counts)
}

function compare(counts, before) {
  const names = new Set([...Object.keys(counts), ...Object.keys(before)])
  let faults = 0
  for (const name of names) {
    const change = counts[name] / before[name] - 1
    // A new or removed case also requires a renewed baseline.
    const isFault = !(change <= TOLERANCE)
    faults += Number(isFault)
    const [now, then] = [counts, before].map((all) => `${all[name]?.toLocaleString('en-US') ?? '–'}`)
    console.log(
      `${name.padEnd(20)}${then.padStart(14)}${now.padStart(14)}${percent(change)}${isFault ? '  too many' : ''}`,
    )
  }
  console.log(`${names.size} cases among ${SERVERS} servers, ${faults} over ${TOLERANCE * 100} %`)
  if (faults > 0)
    console.log('If this is intended, record the new counts: npm run check:instructions -- --renew')
  process.exitCode = faults > 0 ? 1 : 0
}

function percent(change) {
  return (Number.isFinite(change) ? `${(change * 100).toFixed(1)} %` : '').padStart(10)
}

function write(compiler, counts) {
  writeFileSync(FILE, `${JSON.stringify({ compiler, servers: SERVERS, counts }, null, 2)}\n`)
  console.log(`written: ${Object.keys(counts).length} counts of ${compiler}`)
}

/** Returns the compiler's version and target. */
function compilerHere() {
  const text = execFileSync('rustc', ['--version', '--verbose'], { encoding: 'utf8' })
  const [release, host] = ['release', 'host'].map((name) => new RegExp(`^${name}: (.+)$`, 'm').exec(text)[1])
  return `rustc ${release} for ${host}`
}
