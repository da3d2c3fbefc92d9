/** Builds the addon for one foreign platform. */

import { copyFileSync, existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { artifactOf, ENTRY_POINT, PLATFORMS } from './platforms.mjs'
import { standardLibrary } from './standard-library.mjs'
import { zigTools } from './tools.mjs'
import { ROOT, run, WORKSHOP } from './workshop.mjs'

/** Builds it and puts it where `napi artifacts` looks and where the platform's package has it; returns the latter path. */
export function buildPlatform(platform) {
  const { target, linkedAs = target } = PLATFORMS[platform].build
  const { bin, packages } = zigTools()
  const library = standardLibrary(target)
  const targetFolder = join(WORKSHOP, 'build')
  const environment = {
    ...process.env,
    ...library.env,
    PATH: bin + delimiter + process.env.PATH,
    PYTHONPATH: packages,
    CARGO_TARGET_DIR: targetFolder,
    CARGO_INCREMENTAL: '0',
    ...targetEnvironment(target),
  }
  const args = ['zigbuild', '--release', '--locked', '--lib', '--target', linkedAs, ...library.args]
  run(library.env.CARGO ?? 'cargo', args, { env: environment })
  return deliver(platform, join(targetFolder, target, 'release', libraryName(target)))
}

function targetEnvironment(target) {
  // An addon is a shared library, which musl targets can't make while they link the C library statically.
  if (target.endsWith('-musl')) return { RUSTFLAGS: '-C target-feature=-crt-static' }
  if (target.includes('-windows-gnu'))
    return { LIBNODE_PATH: emptyNodeLibrary(), RUSTFLAGS: `-C link-arg=${listOfExports()}` }
  return {}
}

/** The build asks for a library of Node.js to link to; the addon takes nothing of it, as it looks its functions up when it loads. */
function emptyNodeLibrary() {
  const folder = join(WORKSHOP, 'libnode')
  mkdirSync(folder, { recursive: true })
  writeFileSync(join(folder, 'libnode.dll'), '')
  writeFileSync(join(folder, 'libnode.a'), '!<arch>\n')
  return folder
}

/** Without this list, which zig's wrapper drops when rustc makes it, every symbol is exported, and so none can be left out. */
function listOfExports() {
  const file = join(WORKSHOP, 'exports.def')
  writeFileSync(file, `EXPORTS\n  ${ENTRY_POINT}\n`)
  return file
}

function libraryName(target) {
  return target.includes('-windows-') ? 'clustershazbot.dll' : 'libclustershazbot.so'
}

function deliver(platform, library) {
  const name = artifactOf(platform)
  const folders = [join(ROOT, 'artifacts'), join(ROOT, 'npm', platform)]
  if (!existsSync(folders[1])) throw new Error(`npm/${platform} is missing: npm run create-npm-dirs makes it`)
  for (const folder of folders) {
    mkdirSync(folder, { recursive: true })
    copyFileSync(library, join(folder, name))
  }
  return join(folders[1], name)
}
