/** The time to load the package in programs that do nothing else, and the reference peer's. */

import { execFileSync } from 'node:child_process'
import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { currentPlatform } from '../js/engine/platform.js'
import { ROOT } from './support/root.mjs'
import { row } from './support/row.mjs'

export const title = 'Loading'
export const about =
  'The time of a cold `require` or `import` by path, each in a new process, from the `node_modules` of an ' +
  'application. The first run does not count, because it may read the files from disk.'

/** Milliseconds by which loading may be slower than the reference. */
const MAX_EXTRA_MS = 2
/** The programs, with the files of this package and of the reference peer that they load. */
const PROGRAMS = {
  require: ['require.cjs', 'clustershazbot/js/index.js', 'reference/index.js'],
  import: ['import.mjs', 'clustershazbot/js/index.mjs', 'reference/index.js'],
}

export async function measure({ quick = false, progress = () => {} } = {}) {
  const processes = quick ? 5 : 31
  const application = mkdtempSync(join(tmpdir(), 'clustershazbot-'))
  try {
    const modules = install(application)
    return Object.entries(PROGRAMS).flatMap(([name, [program, ...files]]) => {
      progress(`${name}, ${processes} processes`)
      const load = () => files.map((file) => timeToLoad(program, join(modules, file)))
      load()
      return rowsOf(name, Array.from({ length: processes }, load))
    })
  } finally {
    rmSync(application, { recursive: true })
  }
}

/** Installs the packages as in an application; returns its `node_modules`. */
function install(application) {
  const modules = join(application, 'node_modules')
  for (const part of ['package.json', 'binding.js', 'js'])
    cpSync(join(ROOT, part), join(modules, 'clustershazbot', part), { recursive: true })
  cpSync(join(ROOT, '__test__', 'reference'), join(modules, 'reference'), { recursive: true })
  const { name } = currentPlatform()
  const main = `clustershazbot.${name}.node`
  const folder = join(modules, `clustershazbot-${name}`)
  mkdirSync(folder)
  writeFileSync(join(folder, 'package.json'), JSON.stringify({ name: `clustershazbot-${name}`, main }))
  cpSync(join(ROOT, main), join(folder, main))
  return modules
}

function timeToLoad(program, file) {
  const path = fileURLToPath(new URL(`load/${program}`, import.meta.url))
  return Number(execFileSync(process.execPath, [path, file], { encoding: 'utf8' }))
}

function rowsOf(name, times) {
  const [ours, theirs] = [0, 1].map((which) => times.map((pair) => pair[which]))
  const more = ours.map((time, index) => time - theirs[index])
  const wanted = { of: 'value', most: MAX_EXTRA_MS }
  return [
    row({ name, unit: 'ms', numbers: ours, reference: theirs }),
    row({ name: `${name}: time above the reference`, unit: 'ms', numbers: more, wanted }),
  ]
}
