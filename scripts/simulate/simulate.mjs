/**
 * Simulates clusters of all sizes in all scenarios, and writes the results into docs/protocol.md
 * and docs/simulated/: `npm run simulate`. Runs that are complete in this clone are not repeated
 * (target/simulated/; `--afresh` deletes them), so it may be stopped at any time. `--minutes N`
 * starts nothing after that time. `--only partition,crash-1000` repeats only the runs with these
 * words in their names; the others keep their figures and dates (docs/simulated/figures.json).
 */

import { execFile } from 'node:child_process'
import { copyFileSync, existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { freemem } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { chapter } from './chapter.mjs'
import { collect } from './figures.mjs'
import { runs as allRuns, selected } from './runs.mjs'
import { between, buildSimulator, root } from './simulator.mjs'

const cache = join(root, 'target', 'simulated')
const pictures = join(root, 'docs', 'simulated')
const document = join(root, 'docs', 'protocol.md')
const figures = join(pictures, 'figures.json')

const options = {
  afresh: { type: 'boolean', default: false },
  minutes: { type: 'string', default: 'Infinity' },
  only: { type: 'string' },
}
const { values: wanted } = parseArgs({ options })
if (!(Number(wanted.minutes) >= 0)) throw new Error(`--minutes is no number of minutes: ${wanted.minutes}`)
if (wanted.only === '') throw new Error('--only names no run; without it, all are run')
const withPath = (run) => ({ ...run, path: join(cache, run.file) })
const runs = allRuns.map(withPath)
const chosen = wanted.only === undefined ? runs : selected(wanted.only).map(withPath)

mkdirSync(cache, { recursive: true })
mkdirSync(pictures, { recursive: true })
const begin = Date.now()
const deadline = begin + Number(wanted.minutes) * 60_000
if (wanted.afresh) {
  for (const { path } of chosen) rmSync(`${path}.json`, { force: true })
}
const pending = chosen.filter(({ path }) => !existsSync(`${path}.json`))
let done = chosen.length - pending.length
if (pending.length > 0 && Date.now() < deadline) {
  const simulator = buildSimulator()
  const budget = freemem() * 0.75
  const underWay = new Set()
  await Promise.all([work(simulator, underWay, budget), work(simulator, underWay, budget)])
}
publish()

/** Takes one run after another that fits into memory with the current ones. */
async function work(simulator, underWay, budget) {
  while (pending.length > 0 && Date.now() < deadline) {
    const used = [...underWay].reduce((sum, { bytes }) => sum + bytes, 0)
    const fits = ({ bytes }) => underWay.size === 0 || used + bytes <= budget
    const index = pending.findIndex(fits)
    if (index < 0) {
      await new Promise((resolve) => setTimeout(resolve, 1_000))
      continue
    }
    const [next] = pending.splice(index, 1)
    underWay.add(next)
    try {
      await simulate(simulator, next)
    } catch (error) {
      console.error(`${next.name}: ${error.message}`)
      process.exitCode = 1
    }
    underWay.delete(next)
    done += 1
    const width = 30
    const filled = Math.round((done / chosen.length) * width)
    const minutes = ((Date.now() - begin) / 60_000).toFixed(1)
    const bar = '#'.repeat(filled) + '.'.repeat(width - filled)
    console.log(`[${bar}] ${done}/${chosen.length} ${minutes} min  ${next.name}`)
  }
}

/** Runs one; its results are renamed when they are complete. */
function simulate(simulator, { path, threads, arguments: arguments_ }) {
  // Large pages speed up lookups in large rosters.
  const env = { ...process.env, GLIBC_TUNABLES: 'glibc.malloc.hugetlb=1' }
  const all = [...arguments_, '--threads', `${threads}`, '--plot', `${path}.svg`, '--json', `${path}.part`]
  return new Promise((resolve, reject) => {
    execFile(simulator, all, { env, maxBuffer: 1e8 }, (error) => {
      if (error) return reject(error)
      renameSync(`${path}.part`, `${path}.json`)
      resolve()
    })
  })
}

/** Writes the chapter, and copies the plots that were drawn in this clone. */
function publish() {
  const found = collect(runs, figures)
  const { text, shown } = chapter(found)
  const drawn = shown.filter(({ isHere }) => isHere)
  for (const each of drawn) copyFileSync(`${each.path}.svg`, join(pictures, `${each.name}.svg`))
  writeFileSync(document, between(readFileSync(document, 'utf8'), 'simulated', text))
  console.log(
    `written: ${document}, ${drawn.length} pictures; ${found.length} of ${runs.length} runs have figures`,
  )
}
