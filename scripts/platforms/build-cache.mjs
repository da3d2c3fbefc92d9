/** The folder in which foreign builds and rigs live, and how commands are run in it. */

import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, renameSync, rmSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'

export const ROOT = fileURLToPath(new URL('../..', import.meta.url))

/** SHAZBOT_PLATFORMS_CACHE puts it elsewhere, for example where it outlives a clone. */
export const BUILD_CACHE = resolve(process.env.SHAZBOT_PLATFORMS_CACHE || join(ROOT, 'target/platforms'))

/** Runs a command with its output in view; throws when it fails or takes too long. */
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

/** The first line of what a command says, or undefined where there is no such command. */
export function ask(command, args) {
  const done = spawnSync(command, args, { cwd: ROOT, encoding: 'utf8' })
  return done.status === 0 ? done.stdout.trim() : undefined
}

/**
 * The folder of that name in the build cache, filled by `fill` unless an earlier run has done so.
 * It gets its name last, so that a run that was broken off leaves nothing that looks finished.
 */
export function filled(name, fill) {
  const folder = join(BUILD_CACHE, name)
  if (existsSync(folder)) return folder
  const unfinished = `${folder}.unfinished`
  rmSync(unfinished, { recursive: true, force: true })
  mkdirSync(unfinished, { recursive: true })
  fill(unfinished)
  renameSync(unfinished, folder)
  return folder
}
