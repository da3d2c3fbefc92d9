/** The folder for foreign builds and rigs, and commands that run in it. */

import { spawnSync } from 'node:child_process'
import { copyFileSync, existsSync, mkdirSync, renameSync, rmSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'

export const ROOT = fileURLToPath(new URL('../..', import.meta.url))

/** SHAZBOT_PLATFORMS_CACHE sets another folder, for example outside the clone. */
export const BUILD_CACHE = resolve(process.env.SHAZBOT_PLATFORMS_CACHE || join(ROOT, 'target/platforms'))

/** Runs a command and shows its output; throws if it fails or takes too long. */
export function run(command, args, options = {}) {
  const { quiet = false, ...rest } = options
  console.log(`  $ ${[command, ...args].map((part) => part.replace(`${BUILD_CACHE}/`, '')).join(' ')}`)
  const stdio = quiet ? ['ignore', 'pipe', 'pipe'] : ['ignore', 'inherit', 'inherit']
  const done = spawnSync(command, args, { cwd: ROOT, stdio, encoding: 'utf8', maxBuffer: 1 << 28, ...rest })
  if (done.status === 0) return done.stdout
  const cause = done.error?.message ?? `it ended with ${done.signal ?? done.status}`
  const said = quiet && done.stderr ? `\n${done.stderr.trim().split('\n').slice(-5).join('\n')}` : ''
  throw new Error(`${command} failed: ${cause}${said}`)
}

/** Returns a command's output without surrounding whitespace; undefined if the command fails. */
export function outputOf(command, args) {
  const done = spawnSync(command, args, { cwd: ROOT, encoding: 'utf8' })
  return done.status === 0 ? done.stdout.trim() : undefined
}

/**
 * Returns the folder of that name in the build cache; `fill` creates it unless an earlier run did.
 * It is renamed last, so that an aborted run leaves nothing that looks complete.
 */
export function cachedFolder(name, fill) {
  const folder = join(BUILD_CACHE, name)
  if (existsSync(folder)) return folder
  const unfinished = `${folder}.unfinished`
  rmSync(unfinished, { recursive: true, force: true })
  mkdirSync(unfinished, { recursive: true })
  fill(unfinished)
  renameSync(unfinished, folder)
  return folder
}

/**
 * Copies a file over another one, which processes may have loaded. They keep the old content, and
 * would crash if it changed.
 */
export function replaceFile(file, content) {
  const unfinished = `${file}.unfinished`
  copyFileSync(content, unfinished)
  renameSync(unfinished, file)
}
