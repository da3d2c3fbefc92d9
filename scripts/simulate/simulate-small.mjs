/**
 * Simulates clusters of two, three and five servers, and writes the results into docs/protocol.md:
 * `npm run simulate:small`, which takes a minute.
 */

import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { between, buildSimulator, root } from './simulator.mjs'

const document = join(root, 'docs', 'protocol.md')
const sizes = [2, 3, 5]
/** Servers that die one after another, at each size. */
const EVENTS = 200
/** Periods of ten minutes in which messages are lost: five hours in total. */
const STRETCHES = 30
const HOURS = STRETCHES / 6
const lossShares = [0.01, 0.05, 0.1, 0.25]

const simulator = buildSimulator()
const folder = mkdtempSync(join(tmpdir(), 'simulate-small-'))
const commands = []

/** Returns the results of one run. */
function simulate(scenario, servers, events, ...others) {
  const flags = ['--scenario', scenario, '--servers', `${servers}`, '--events', `${events}`, '--seed', '1']
  const json = join(folder, 'results.json')
  execFileSync(simulator, [...flags, ...others, '--plot', '', '--json', json], { cwd: folder })
  commands.push([...flags, ...others].join(' '))
  const [results] = JSON.parse(readFileSync(json, 'utf8')).runs
  if (results.violations > 0) throw new Error(`${results.violations} violations: ${flags.join(' ')}`)
  return results
}

const seconds = (millis) => (millis === null ? 'never' : `${(millis / 1_000).toFixed(1)} s`)
const row = (title, cells) => `| ${title} | ${cells.join(' | ')} |`

function detection(scenario) {
  return sizes.map((size) => {
    const { p50, p99, slowest } = simulate(scenario, size, EVENTS).milliseconds['100%']
    return [p50, p99, slowest].map(seconds).join(' / ')
  })
}

function falseDeaths(loss) {
  return sizes.map((size) => {
    const { falseDeaths: deaths } = simulate('lossy', size, STRETCHES, '--loss', `${loss}`)
    return deaths === 0 ? '0' : (deaths / HOURS).toFixed(1)
  })
}

try {
  const table = [
    row(
      '',
      sizes.map((size) => `${size} servers`),
    ),
    '|---|---|---|---|',
    row('crash, port closed: known to all, p50 / p99 / slowest', detection('crash')),
    row('host vanished: known to all, p50 / p99 / slowest', detection('vanish')),
    ...lossShares.map((loss) =>
      row(`false deaths per hour with ${loss * 100} % of the messages lost`, falseDeaths(loss)),
    ),
  ]
  const about = `Measured by \`npm run simulate:small\`: ${EVENTS} deaths, and ${HOURS} hours of each loss rate, seed 1. The first run is
\`cargo run --release --no-default-features --example simulate -- ${commands[0]}\`.`
  const text = `${table.join('\n')}\n\n${about}`
  writeFileSync(document, between(readFileSync(document, 'utf8'), 'small clusters', text))
  console.log(text)
} finally {
  rmSync(folder, { recursive: true, force: true })
}
