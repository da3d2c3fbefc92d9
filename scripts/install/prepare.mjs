/**
 * Builds the addon in a clone, as part of `npm ci`; not part of the published package.
 * SHAZBOT_SKIP_BUILD=1 skips it.
 */

import { spawnSync } from 'node:child_process'
import { readdirSync, readFileSync, statSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('../..', import.meta.url))
const SOURCES = ['src', 'build.rs', 'Cargo.toml', 'Cargo.lock']

if (process.env.SHAZBOT_SKIP_BUILD === '1') {
  console.log('clustershazbot: SHAZBOT_SKIP_BUILD=1, skipping the build of the addon.')
} else if (isAddonUpToDate()) {
  console.log('clustershazbot: the addon is newer than its sources, nothing to build.')
} else {
  process.exitCode = build()
}

function build() {
  const wanted = /^rust-version = "(.+)"$/m.exec(readFileSync(join(root, 'Cargo.toml'), 'utf8'))[1]
  const obstacle = missingTool(wanted)
  if (obstacle) {
    console.error(
      `clustershazbot: ${obstacle}; install Rust ${wanted} or newer from https://rustup.rs and run npm ci again.`,
    )
    return 1
  }
  console.log('clustershazbot: building the addon, which takes a minute or two the first time.')
  return spawnSync('npm run build:clone', { cwd: root, shell: true, stdio: 'inherit' }).status ?? 1
}

function missingTool(wanted) {
  const cargo = spawnSync('cargo --version', { cwd: root, shell: true, encoding: 'utf8' })
  if (cargo.status !== 0) return 'cargo, which builds the addon, was not found'
  const found = /\d+\.\d+/.exec(cargo.stdout)?.[0]
  return isOlder(found, wanted) ? `this is Rust ${found}` : undefined
}

function isOlder(found, wanted) {
  const [foundMajor, foundMinor] = found.split('.').map(Number)
  const [wantedMajor, wantedMinor] = wanted.split('.').map(Number)
  return foundMajor === wantedMajor ? foundMinor < wantedMinor : foundMajor < wantedMajor
}

function isAddonUpToDate() {
  const addon = `clustershazbot.${process.platform}-${process.arch}`
  const built = readdirSync(root).filter((name) => name.startsWith(addon) && name.endsWith('.node'))
  if (built.length === 0) return false
  const builtAt = Math.max(...built.map((name) => changedAt(join(root, name))))
  return builtAt > Math.max(...SOURCES.map((name) => changedAt(join(root, name)))) && doesAddonLoad()
}

/** Returns the last change of the file, or of the newest one in the folder. */
function changedAt(path) {
  const stats = statSync(path)
  if (!stats.isDirectory()) return stats.mtimeMs
  return Math.max(stats.mtimeMs, ...readdirSync(path).map((name) => changedAt(join(path, name))))
}

/** False for an incomplete addon or one for another C library. */
function doesAddonLoad() {
  try {
    createRequire(import.meta.url)('../../binding.js')
    return true
  } catch {
    return false
  }
}
