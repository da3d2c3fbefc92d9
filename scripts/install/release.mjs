/**
 * Publishes the tree to the local registry with the commands of a release, from a copy of the tree.
 */

import { spawnSync } from 'node:child_process'
import { cpSync, existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { delimiter, dirname, join } from 'node:path'
import { ROOT } from '../platforms/build-cache.mjs'
import { inspectArtifact } from '../platforms/inspect.mjs'
import { artifactOf, platformOfTarget } from '../platforms/platforms.mjs'
import { platformOfThisMachine } from '../platforms/rigs.mjs'
import { cleanEnvironment, run } from './processes.mjs'

/** Resolves with the platforms whose packages were published. */
export async function publishRelease(registry, folder) {
  copyTree(folder)
  const { published, fit } = await placeArtifacts(folder)
  // No other settings and credentials: nothing may be published anywhere else.
  const env = cleanEnvironment({
    PATH: join(ROOT, 'node_modules/.bin') + delimiter + process.env.PATH,
    npm_config_registry: registry.url,
    npm_config_userconfig: registry.publisher,
    npm_config_globalconfig: `${registry.publisher}.none`,
  })
  const command = [process.execPath, 'scripts/release/publish.mjs', ...(fit ? [] : ['--local-build'])]
  console.log(`  $ node ${command.slice(1).join(' ')}`)
  await run(command, { cwd: folder, env, within: 300_000 })
  const { version, optionalDependencies } = readManifest(folder)
  const expected = Object.fromEntries(published.map((platform) => [`clustershazbot-${platform}`, version]))
  if (JSON.stringify(sorted(optionalDependencies)) !== JSON.stringify(sorted(expected)))
    throw new Error(`the root package would bring ${JSON.stringify(optionalDependencies)}`)
  console.log(`  published: clustershazbot ${version}, for ${published.join(', ')}`)
  return published
}

/** Copies the files that are or could be committed, so neither addons nor installed packages. */
function copyTree(folder) {
  const listed = spawnSync('git', ['ls-files', '-z', '--cached', '--others', '--exclude-standard'], {
    cwd: ROOT,
    encoding: 'utf8',
  })
  if (listed.status !== 0) throw new Error(`git ls-files failed: ${listed.error?.message ?? listed.stderr}`)
  for (const path of listed.stdout.split('\0')) {
    if (!path || !existsSync(join(ROOT, path))) continue
    mkdirSync(join(folder, dirname(path)), { recursive: true })
    cpSync(join(ROOT, path), join(folder, path))
  }
}

/**
 * Copies the addons where a release collects them. Removes platforms without one from the list,
 * because a release requires all.
 */
async function placeArtifacts(folder) {
  const manifest = readManifest(folder)
  const here = platformOfThisMachine()
  const artifacts = new Map()
  const left = []
  for (const target of manifest.napi.targets) {
    const platform = platformOfTarget(target)
    const path = platform === here ? await ownArtifact(here) : foreignArtifact(platform)
    if (path) artifacts.set(target, { platform, path })
    else left.push(platform)
  }
  const own = [...artifacts.values()].find(({ platform }) => platform === here)
  if (!own) throw new Error(`${here} is not among the targets in package.json`)
  console.log(`  the addon of ${here}: ${own.path.slice(ROOT.length)}`)
  console.log(`  skipped without an artifact: ${left.join(', ') || 'none'}`)

  mkdirSync(join(folder, 'artifacts'), { recursive: true })
  for (const { platform, path } of artifacts.values())
    cpSync(path, join(folder, 'artifacts', artifactOf(platform)))
  manifest.napi.targets = [...artifacts.keys()]
  writeFileSync(join(folder, 'package.json'), `${JSON.stringify(manifest, null, 2)}\n`)
  const fit = [...artifacts.values()].every(
    ({ platform, path }) => inspectArtifact(platform, path).faults.length === 0,
  )
  return { published: [...artifacts.values()].map(({ platform }) => platform), fit }
}

/** Returns the newest addon for this machine, from a release build or from `npm ci`. */
async function ownArtifact(platform) {
  const inRoot = join(ROOT, artifactOf(platform))
  const candidates = [join(ROOT, 'npm', platform, artifactOf(platform)), inRoot].filter(existsSync)
  if (candidates.length === 0) {
    console.log('  building the addon of this machine')
    await run(['npm run build'], { cwd: ROOT, shell: true, within: 900_000 })
    return inRoot
  }
  return candidates.sort((one, other) => statSync(other).mtimeMs - statSync(one).mtimeMs)[0]
}

function foreignArtifact(platform) {
  const path = join(ROOT, 'npm', platform, artifactOf(platform))
  return existsSync(path) ? path : undefined
}

function readManifest(folder) {
  return JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'))
}

function sorted(object = {}) {
  return Object.fromEntries(Object.entries(object).sort())
}
