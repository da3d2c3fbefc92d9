/**
 * Installs the package as users do: `node scripts/install/test-install.mjs [package manager]...`,
 * by default with all of them.
 *
 * A registry on loopback gets the packages with the commands of a release. Applications install
 * from it, and each runs as a cluster of two. `--keep` keeps the folder, which contains the logs.
 */

import { mkdirSync, mkdtempSync, realpathSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { availableParallelism, tmpdir } from 'node:os'
import { join } from 'node:path'
import { CHECKS, tasksOf } from './checks.mjs'
import { managersOf } from './managers.mjs'
import { atEnd, endAll, isEnding } from './processes.mjs'
import { startRegistry } from './registry.mjs'
import { publishRelease } from './release.mjs'
import { printTable } from './table.mjs'
import { installTools } from './tools.mjs'

const keep = process.argv.includes('--keep')
const named = process.argv.slice(2).filter((argument) => argument !== '--keep')

for (const signal of ['SIGINT', 'SIGTERM']) {
  process.once(signal, async () => {
    await endAll()
    process.exit(1)
  })
}

const from = Date.now()
try {
  process.exitCode = (await main()) ? 0 : 1
} catch (error) {
  console.error(error.message)
  process.exitCode = 1
} finally {
  await endAll()
}

async function main() {
  console.log('Tools')
  const tools = await installTools()
  const managers = await chosenManagers(tools)
  const folder = realpathSync(mkdtempSync(join(tmpdir(), 'clustershazbot-install-')))
  if (keep) console.log(`  everything is in ${folder}`)
  else atEnd(() => rm(folder, { recursive: true, force: true, maxRetries: 5 }))

  console.log('Registry')
  mkdirSync(join(folder, 'registry'))
  const registry = await startRegistry(tools, join(folder, 'registry'))
  console.log('Release')
  const published = await publishRelease(registry, join(folder, 'release'))

  console.log('Applications')
  const results = Object.entries(managers).map(([name, manager]) => ({ name, manager, outcomes: new Map() }))
  const tasks = results.flatMap(({ name, manager, outcomes }) => {
    const own = { folder: join(folder, name), home: join(folder, name, 'home') }
    const check = checkInto(outcomes, manager.version)
    return tasksOf({ ...own, manager, registry, published, esbuild: tools.esbuild, check })
  })
  // The tasks mostly wait.
  await inParallel(tasks, availableParallelism() + 1)

  printTable(
    ['', ...results.map(({ manager }) => manager.version)],
    CHECKS.map((check) => [check, ...results.map(({ outcomes }) => outcomes.get(check) ?? '-')]),
  )
  const all = results.flatMap(({ outcomes }) => [...outcomes.values()])
  const passed = all.filter((outcome) => outcome === 'ok').length
  const seconds = Math.round((Date.now() - from) / 1000)
  console.log(`\n${passed} passed, ${all.length - passed} failed (${seconds} s)`)
  return passed === all.length && passed > 0
}

async function chosenManagers(tools) {
  const managers = await managersOf(tools)
  const unknown = named.filter((name) => !(name in managers))
  if (unknown.length > 0)
    throw new Error(
      `Not among the package managers: ${unknown}. There are: ${Object.keys(managers).join(', ')}.`,
    )
  return Object.fromEntries(
    Object.entries(managers).filter(([name]) => named.length === 0 || named.includes(name)),
  )
}

/** A check may run in several applications; one failure makes it fail. */
function checkInto(outcomes, version) {
  return async (name, perform) => {
    if (isEnding()) return
    const began = Date.now()
    let outcome = 'ok'
    try {
      await perform()
    } catch (error) {
      if (isEnding()) return
      outcome = 'FAILED'
      console.log(error.stack.replaceAll(/^/gm, '  | '))
    }
    if (outcomes.get(name) !== 'FAILED') outcomes.set(name, outcome)
    const seconds = ((Date.now() - began) / 1000).toFixed(1)
    console.log(`  ${version}: ${name}: ${outcome} (${seconds} s)`)
  }
}

async function inParallel(tasks, atOnce) {
  const waiting = [...tasks]
  const work = async () => {
    while (waiting.length > 0 && !isEnding()) await waiting.shift()()
  }
  await Promise.all(Array.from({ length: atOnce }, work))
}
