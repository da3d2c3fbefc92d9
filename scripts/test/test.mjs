/**
 * Runs the JavaScript tests: `node scripts/test/test.mjs [part of a path]... [--without=part of a
 * path]...`, with the Node.js that runs this file. Node 20 supports no globs for `--test`, so the
 * files are listed here.
 */

import { spawnSync } from 'node:child_process'
import { readdirSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { delimiter, dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const WITHOUT = '--without='
/** Files at once for each core: tests mostly wait for deadlines of the protocol. */
const FILES_PER_CORE = 2
const root = fileURLToPath(new URL('../..', import.meta.url))
const parts = process.argv.slice(2).filter((part) => !part.startsWith(WITHOUT))
const unwanted = process.argv.slice(2).filter((part) => part.startsWith(WITHOUT))

const files = testFiles('__test__').filter(
  (file) =>
    parts.every((part) => file.includes(part)) &&
    !unwanted.some((part) => file.includes(part.slice(WITHOUT.length))),
)
if (files.length === 0) {
  console.error(`No test file has all of these in its path: ${parts.join(' ')}`)
  process.exit(1)
}

const options = [
  '--test',
  `--test-concurrency=${availableParallelism() * FILES_PER_CORE}`,
  '--test-reporter=spec',
  // Far above what any file needs; it only prevents a hanging file from blocking the run.
  '--test-timeout=600000',
]
// The tools that tests start by name (`#!/usr/bin/env node`) run with the same Node.js.
const environment = { ...process.env, PATH: dirname(process.execPath) + delimiter + process.env.PATH }
// Servers in tests would warn about the scripts' variables, such as SHAZBOT_PLATFORMS_CACHE.
for (const name of Object.keys(environment))
  if (name.startsWith('SHAZBOT_') && !name.startsWith('SHAZBOT_TEST_')) delete environment[name]
const run = spawnSync(process.execPath, [...options, ...files], {
  cwd: root,
  env: environment,
  stdio: 'inherit',
})
process.exitCode = run.status ?? 1

function testFiles(folder) {
  return readdirSync(join(root, folder), { withFileTypes: true }).flatMap((entry) => {
    // With slashes on Windows too, as in the arguments.
    const path = `${folder}/${entry.name}`
    if (entry.isDirectory()) return entry.name === 'node_modules' ? [] : testFiles(path)
    return entry.name.endsWith('.test.js') ? [path] : []
  })
}
