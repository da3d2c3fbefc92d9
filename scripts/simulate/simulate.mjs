/**
 * Simulates clusters of all sizes in all scenarios, and writes the results into docs/protocol.md
 * and docs/simulated/: `npm run simulate`. Complete runs are not repeated (target/simulated/;
 * `--afresh` deletes them), so it may be stopped at any time. `--minutes N` starts nothing after
 * that time, `--only TEXT` selects runs by name.
 */

import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { freemem } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { chapter } from './chapter.mjs'
import { between, buildSimulator, root } from './simulator.mjs'

const cache = join(root, 'target', 'simulated')
const pictures = join(root, 'docs', 'simulated')
const document = join(root, 'docs', 'protocol.md')

const options = {
  afresh: { type: 'boolean', default: false },
  minutes: { type: 'string', default: 'Infinity' },
  only: { type: 'string', default: '' },
}
const { values: wanted } = parseArgs({ options })

/**
 * A run: a scenario, a number of servers, a number of events, and other arguments of the example.
 */
function run(scenario, servers, events, ...others) {
  const flags = ['--scenario', scenario, '--servers', `${servers}`, '--events', `${events}`, '--seed', '1']
  const arguments_ = [...flags, ...others]
  const key = createHash('sha256').update(arguments_.join(' ')).digest('hex').slice(0, 8)
  const name = [scenario, servers, ...others.map((text) => text.replaceAll(/^-+/g, ''))].join('-')
  const isReduced = others.includes('--reduced')
  // Each server knows every other one, in less than ninety bytes.
  const bytes = isReduced ? 1e9 : servers ** 2 * 90 + 2e8
  return {
    scenario,
    servers,
    events,
    others,
    arguments: arguments_,
    name,
    bytes,
    path: join(cache, `${name}-${key}`),
  }
}

/**
 * At each size, the number of events of one server, and of events that affect all. Among 10,000
 * servers, a partition with its millions of suspects takes more than 13 GB, and a restart storm
 * half an hour.
 */
const sizes = [
  { servers: 10_000, single: 60, all: 0 },
  { servers: 1_000, single: 200, all: 2 },
  { servers: 100, single: 200, all: 10 },
]
const single = ['crash', 'join', 'vanish', 'leave']
const runs = [
  // The longest runs first, so that the end is short.
  run('lossy', 1_000, 1),
  ...sizes.flatMap(({ servers, single: events }) => [
    ...single.map((scenario) => run(scenario, servers, events)),
    run('steady', servers, 1),
  ]),
  run('lossy', 100, 1),
  run('crash', 100, 40, '--legacy-share', '0.9'),
  run('upgrade', 100, 100),
  run('upgrade', 1_000, 20),
  ...sizes
    .filter(({ all }) => all > 0)
    .flatMap(({ servers, all }) => [run('restart-storm', servers, all), run('partition', servers, all)]),
  run('crash', 1_000, 5, '--compare', 'legacy'),
  ...['crash', 'join'].flatMap((scenario) => [
    run(scenario, 10_000, 200, '--reduced', 'yes'),
    run(scenario, 100_000, 60, '--reduced', 'yes'),
  ]),
]

mkdirSync(cache, { recursive: true })
mkdirSync(pictures, { recursive: true })
const begin = Date.now()
const deadline = begin + Number(wanted.minutes) * 60_000
const chosen = runs.filter(({ name }) => name.includes(wanted.only))
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
function simulate(simulator, { path, arguments: arguments_ }) {
  // Large pages speed up lookups in large rosters.
  const env = { ...process.env, GLIBC_TUNABLES: 'glibc.malloc.hugetlb=1' }
  const all = [...arguments_, '--plot', `${path}.svg`, '--json', `${path}.part`]
  return new Promise((resolve, reject) => {
    execFile(simulator, all, { env, maxBuffer: 1e8 }, (error) => {
      if (error) return reject(error)
      renameSync(`${path}.part`, `${path}.json`)
      resolve()
    })
  })
}

/** Writes the chapter and copies the plots, from all complete runs. */
function publish() {
  const found = runs
    .filter(({ path }) => existsSync(`${path}.json`))
    .map((each) => ({
      ...each,
      date: statSync(`${each.path}.json`).mtime.toISOString().slice(0, 10),
      results: JSON.parse(readFileSync(`${each.path}.json`, 'utf8')).runs,
    }))
  const { text, shown } = chapter(found)
  for (const each of shown) copyFileSync(`${each.path}.svg`, join(pictures, `${each.name}.svg`))
  writeFileSync(document, between(readFileSync(document, 'utf8'), 'simulated', text))
  console.log(
    `written: ${document}, ${shown.length} pictures; ${found.length} of ${runs.length} runs are there`,
  )
}
