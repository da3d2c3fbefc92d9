/**
 * Publishes a release to npm's configured registry: `node scripts/release/publish.mjs [--dry-run]
 * [--provenance] [--local-build]`.
 *
 * The platforms' packages are published first, so that a root package never lacks its binaries.
 * Their exact versions are written into package.json; a release uses a temporary tree.
 * `--local-build` accepts any binaries, for registries on this machine: a release requires portable
 * ones.
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
  // Prevents `prepare` from building an addon here.
  npm_config_ignore_scripts: 'true',
  // As variables, because napi calls `npm publish` for the platforms' packages without options.
  ...(flags.includes('--provenance') ? { npm_config_provenance: 'true', npm_config_access: 'public' } : {}),
}

if (existsSync(join(ROOT, 'artifacts'))) step('napi artifacts')
requirePlacedArtifacts()
if (!flags.includes('--local-build')) step(`node scripts/release/check-artifacts.mjs ${platforms.join(' ')}`)
step(`napi prepublish --tag-style npm --no-gh-release${dryRun}`)
leaveOutPrepare()
step(`npm publish${dryRun}`)

/** Checked before publishing, because half a release cannot be withdrawn. */
function requirePlacedArtifacts() {
  const faults = platforms.flatMap((platform) => {
    if (!existsSync(join(ROOT, 'npm', platform, artifactOf(platform)))) return `${platform}: no artifact`
    const other = readManifest(join('npm', platform)).version
    return other === version ? [] : `${platform}: version ${other} instead of ${version}`
  })
  if (faults.length > 0) fail(faults.join('; '))
}

/**
 * `prepare` builds a clone's addon, from sources outside the package; tools that check scripts
 * would warn.
 */
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
