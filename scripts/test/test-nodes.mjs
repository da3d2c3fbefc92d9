/**
 * Runs the JavaScript tests on every supported Node.js: `node scripts/test/test-nodes.mjs
 * [--others] [part of a path]...`. Other versions come from npm and are cached in node_modules;
 * `--others` skips the running one, and the tests whose results do not depend on Node.js.
 */

import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { packageOfNode } from '../install/node-package.mjs'

const root = fileURLToPath(new URL('../..', import.meta.url))
const SUPPORTED = ['20', '22', '24']
const current = process.versions.node.split('.')[0]

const parts = process.argv.slice(2)
const onlyOthers = parts[0] === '--others'
if (onlyOthers) parts.shift()
/**
 * Test files whose results do not depend on Node.js: the protocol and the HTTP client, which are
 * Rust, the TypeScript compiler, the release scripts, and the documents. The examples consist of
 * what the other files test.
 */
const SAME_EVERYWHERE = [
  '-example',
  '/both-paths.',
  'cli/cluster',
  'cluster/',
  'fixed-in-v2/',
  'frameworks/owners',
  'frameworks/recipes',
  'package/artifacts',
  'package/demo',
  'package/documents',
  'package/packaging',
  'package/release',
  'package/structure',
  'package/types',
  'wire/',
]
const options = onlyOthers ? [...parts, ...SAME_EVERYWHERE.map((part) => `--without=${part}`)] : parts

for (const major of SUPPORTED) {
  if (onlyOthers && major === current) continue
  const node = major === current ? process.execPath : installed(major)
  console.log(`\nTests on Node.js ${major}`)
  const run = spawnSync(node, [join(root, 'scripts/test/test.mjs'), ...options], { stdio: 'inherit' })
  if (run.status !== 0) process.exit(run.status ?? 1)
}

/** Returns the path of that version's binary; downloads it once. */
function installed(major) {
  const name = packageOfNode()
  const folder = join(root, 'node_modules/.cache/nodes', major)
  const binary = join(
    folder,
    'node_modules',
    name,
    process.platform === 'win32' ? 'bin/node.exe' : 'bin/node',
  )
  if (!existsSync(binary)) {
    mkdirSync(folder, { recursive: true })
    const npm = `npm install --prefix "${folder}" --no-save --no-package-lock --ignore-scripts ${name}@${major}`
    const install = spawnSync(npm, { shell: true, stdio: 'inherit' })
    if (install.status !== 0) process.exit(install.status ?? 1)
  }
  return binary
}
