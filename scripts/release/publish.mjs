/**
 * Publishes a release to the registry that npm is set to: `node scripts/release/publish.mjs [--dry-run] [--provenance] [--local-build]`.
 *
 * The platforms' packages go first, so that nobody can install a root package whose binaries are not there yet. Written into
 * package.json are the exact versions of these packages; a release is made in a tree that is thrown away afterwards.
 * `--local-build` takes binaries as they are, which is for registries on this very machine: a release wants them fit for all.
 */

import { spawnSync } from 'node:child_process'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { ROOT } from '../platforms/build-cache.mjs'
import { artifactOf, platformOfTarget } from '../platforms/platforms.mjs'

const flags = process.argv.slice(2)
const unknown = flags.filter((flag) => !['--dry-run', '--provenance', '--local-build'].includes(flag))
if (unknown.length > 0) fail(`unknown: ${unknown.join(' ')}`)
const dryRun = flags.includes('--dry-run') ? ' --dry-run' : ''

const { version, napi } = readManifest('.')
const platforms = napi.targets.map(platformOfTarget)

const env = {
  ...process.env,
  PATH: join(ROOT, 'node_modules/.bin') + delimiter + process.env.PATH,
  // So that no `prepare` builds an addon here.
  npm_config_ignore_scripts: 'true',
  // As variables, because napi calls `npm publish` for the platforms' packages and passes no options on.
  ...(flags.includes('--provenance') ? { npm_config_provenance: 'true', npm_config_access: 'public' } : {}),
}

if (existsSync(join(ROOT, 'artifacts'))) step('napi artifacts')
requirePlacedArtifacts()
if (!flags.includes('--local-build')) step(`node scripts/release/check-artifacts.mjs ${platforms.join(' ')}`)
step(`napi prepublish --tag-style npm --no-gh-release${dryRun}`)
leaveOutPrepare()
step(`npm publish${dryRun}`)

/** Before anything is published: half a release can't be taken back. */
function requirePlacedArtifacts() {
  const faults = platforms.flatMap((platform) => {
    if (!existsSync(join(ROOT, 'npm', platform, artifactOf(platform)))) return `${platform}: no artifact`
    const other = readManifest(join('npm', platform)).version
    return other === version ? [] : `${platform}: version ${other} instead of ${version}`
  })
  if (faults.length > 0) fail(faults.join('; '))
}

/** `prepare` builds a clone's addon, from sources that are no part of the package. Tools that look for scripts would warn of it. */
function leaveOutPrepare() {
  const file = join(ROOT, 'package.json')
  const text = readFileSync(file, 'utf8')
  if (dryRun) process.once('exit', () => writeFileSync(file, text))
  const manifest = JSON.parse(text)
  delete manifest.scripts.prepare
  writeFileSync(file, `${JSON.stringify(manifest, null, 2)}\n`)
}

function readManifest(folder) {
  return JSON.parse(readFileSync(join(ROOT, folder, 'package.json'), 'utf8'))
}

/** Through a shell, because on Windows these are scripts. */
function step(command) {
  console.log(`$ ${command}`)
  const done = spawnSync(command, { cwd: ROOT, env, shell: true, stdio: 'inherit' })
  if (done.status !== 0) fail(`${command} ended with ${done.signal ?? done.status}`)
}

function fail(message) {
  console.error(`publish: ${message}`)
  process.exit(1)
}
