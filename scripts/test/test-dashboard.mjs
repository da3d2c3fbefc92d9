/**
 * Tests the dashboard in a browser: `node scripts/test/test-dashboard.mjs [part of a path]...`.
 * `BROWSER_PATH` names a Chromium; by default, one of the PATH is used. If there is none, the tests
 * do not run, which fails only if `BROWSER_REQUIRED` is set. `--find` only looks for the browser.
 */

import { spawnSync } from 'node:child_process'
import { accessSync, constants, readdirSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const NAMES = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable']
const FOLDER = '__test__/dashboard'
const root = fileURLToPath(new URL('../..', import.meta.url))

const browser = findBrowser()
if (!browser) {
  console.log('The dashboard is not tested, as no Chromium is installed.')
  process.exitCode = process.env.BROWSER_REQUIRED || process.argv.includes('--find') ? 1 : 0
} else if (!process.argv.includes('--find')) {
  process.exitCode = runTests(process.argv.slice(2))
}

function findBrowser() {
  if (process.env.BROWSER_PATH) return process.env.BROWSER_PATH
  const folders = process.env.PATH.split(delimiter)
  return NAMES.flatMap((name) => folders.map((folder) => join(folder, name))).find(isProgram)
}

function isProgram(file) {
  try {
    accessSync(file, constants.X_OK)
    return true
  } catch {
    return false
  }
}

/** Runs one file at a time, because each has a browser and several servers. */
function runTests(parts) {
  const files = readdirSync(join(root, FOLDER))
    .filter((name) => name.endsWith('.browser.js') && parts.every((part) => name.includes(part)))
    .map((name) => `${FOLDER}/${name}`)
  const options = ['--test', '--test-concurrency=1', '--test-reporter=spec', '--test-timeout=300000']
  const env = { ...process.env, BROWSER_PATH: browser }
  for (const name of Object.keys(env)) if (name.startsWith('SHAZBOT_')) delete env[name]
  return spawnSync(process.execPath, [...options, ...files], { cwd: root, env, stdio: 'inherit' }).status ?? 1
}
