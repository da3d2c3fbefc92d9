/** Builds the addon for one platform: on Linux with zig, elsewhere with the system's tools. */

import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { homedir } from 'node:os'
import { delimiter, join, resolve } from 'node:path'
import { BUILD_CACHE, ROOT, replaceFile, run } from './build-cache.mjs'
import { artifactOf, ENTRY_POINT, PLATFORMS, platformOfTarget } from './platforms.mjs'
import { standardLibrary } from './standard-library.mjs'
import { zigTools } from './tools.mjs'

const BUILD_FOLDER = join(BUILD_CACHE, 'build')

/**
 * Builds it, and copies it for `napi artifacts` and into the platform's package; returns the latter
 * path.
 */
export function buildPlatform(platform) {
  return deliver(platform, process.platform === 'linux' ? buildWithZig(platform) : buildNatively(platform))
}

/** Builds it for this machine, whose target is `host`, and returns the path of the library. */
export function buildForHost(host) {
  const folder = join(ROOT, 'target')
  const environment = { ...process.env, CARGO_TARGET_DIR: folder }
  const flags = targetFlags(host)
  if (flags.length > 0) environment.RUSTFLAGS = flags.join(' ')
  run('cargo', RELEASE, { env: environment })
  return join(folder, 'release', libraryName(host))
}

function buildWithZig(platform) {
  const { target, linkedAs = target } = PLATFORMS[platform].build
  const { bin, packages } = zigTools()
  const library = standardLibrary(target)
  const environment = {
    ...buildEnvironment(target),
    ...library.env,
    PATH: bin + delimiter + process.env.PATH,
    PYTHONPATH: packages,
  }
  const args = [...RELEASE, '--target', linkedAs, ...library.args]
  run('cargo-zigbuild', args, { env: environment })
  return libraryOf(target)
}

function buildNatively(platform) {
  const { napi } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'))
  const target = napi.targets.find((it) => platformOfTarget(it) === platform)
  standardLibrary(target)
  run('cargo', [...RELEASE, '--target', target], { env: buildEnvironment(target) })
  return libraryOf(target)
}

/**
 * The command of cargo that builds an addon. The crate is a Rust library too, for benchmarks and
 * fuzzing. If cargo built that as well, it would silently leave out link-time optimisation, and the
 * addon would be 0.4 MB larger and a tenth slower.
 */
export const RELEASE = ['rustc', '--release', '--locked', '--lib', '--crate-type', 'cdylib']

function buildEnvironment(target) {
  const environment = {
    ...process.env,
    CARGO_TARGET_DIR: BUILD_FOLDER,
    CARGO_INCREMENTAL: '0',
    RUSTFLAGS: [...remappedPaths(), ...targetFlags(target)].join(' '),
  }
  return target.endsWith('-windows-gnullvm')
    ? { ...environment, LIBNODE_PATH: emptyNodeLibrary() }
    : environment
}

/** Panic messages contain the paths of source files, which must not show this machine's folders. */
function remappedPaths() {
  const places = {
    [process.env.CARGO_HOME || join(homedir(), '.cargo')]: '/cargo',
    [resolve(ROOT)]: '/clustershazbot',
    [BUILD_CACHE]: '/build-cache',
  }
  return (
    Object.entries(places)
      // The flags are split at spaces.
      .filter(([from]) => !from.includes(' '))
      .map(([from, to]) => `--remap-path-prefix=${from}=${to}`)
  )
}

function targetFlags(target) {
  // An addon is a shared library, which musl targets cannot build with a static C library.
  if (target.endsWith('-musl')) return ['-C', 'target-feature=-crt-static']
  if (target.endsWith('-windows-gnullvm')) return ['-C', `link-arg=${listOfExports()}`]
  // Not every Windows has Microsoft's C runtime.
  if (target.endsWith('-windows-msvc')) return ['-C', 'target-feature=+crt-static']
  // Otherwise it contains the linker's output path on this machine.
  if (target.endsWith('-darwin')) return ['-C', 'link-arg=-Wl,-install_name,@rpath/clustershazbot.node']
  return []
}

/**
 * The build links to a library of Node.js. The addon uses nothing of it, because it looks up its
 * functions when it loads.
 */
function emptyNodeLibrary() {
  const folder = join(BUILD_CACHE, 'libnode')
  mkdirSync(folder, { recursive: true })
  writeFileSync(join(folder, 'libnode.dll'), '')
  writeFileSync(join(folder, 'libnode.a'), '!<arch>\n')
  return folder
}

/**
 * zig's wrapper drops rustc's list of exports. Without one, every symbol is exported and none can
 * be removed.
 */
function listOfExports() {
  const file = join(BUILD_CACHE, 'exports.def')
  writeFileSync(file, `EXPORTS\n  ${ENTRY_POINT}\n`)
  return file
}

function libraryOf(target) {
  return join(BUILD_FOLDER, target, 'release', libraryName(target))
}

function libraryName(target) {
  if (target.includes('-windows-')) return 'clustershazbot.dll'
  return `libclustershazbot.${target.endsWith('-darwin') ? 'dylib' : 'so'}`
}

function deliver(platform, library) {
  const name = artifactOf(platform)
  const folders = [join(ROOT, 'artifacts'), join(ROOT, 'npm', platform)]
  if (!existsSync(folders[1])) throw new Error(`npm/${platform} is missing: npm run create-npm-dirs makes it`)
  for (const folder of folders) {
    mkdirSync(folder, { recursive: true })
    replaceFile(join(folder, name), library)
  }
  return join(folders[1], name)
}
