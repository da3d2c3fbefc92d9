/**
 * Checks the package as it would be published, with publint and attw (Are the types wrong?): every
 * module resolution must find its entry points and types.
 */

import { spawnSync } from 'node:child_process'
import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('../..', import.meta.url))
const folder = mkdtempSync(join(tmpdir(), 'clustershazbot-package-'))
const env = { ...process.env, PATH: join(root, 'node_modules/.bin') + delimiter + process.env.PATH }

try {
  run(`npm pack --silent --ignore-scripts --pack-destination "${folder}"`)
  const [tarball] = readdirSync(folder).map((file) => join(folder, file))
  run(`publint run --strict "${tarball}"`)
  run(`attw "${tarball}"`)
} finally {
  rmSync(folder, { recursive: true, force: true })
}

/** Through a shell, because on Windows these are scripts. */
function run(command) {
  const { status, signal } = spawnSync(command, { cwd: root, env, shell: true, stdio: 'inherit' })
  if (status === 0) return
  console.error(`${command} ended with ${signal ?? status}`)
  process.exitCode = 1
}
