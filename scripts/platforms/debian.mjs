/**
 * Unpacks Debian packages and their dependencies into a folder, without changing the machine's own
 * system.
 */

import { existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { BUILD_CACHE, outputOf, run } from './build-cache.mjs'

/** The first release whose C library, qemu and Wine run current Node.js versions. */
const RELEASE = 'trixie'
const KEYS = '/usr/share/keyrings/debian-archive-keyring.gpg'

/** The apt folder of this run, with current lists, because mirrors remove old packages. */
let apt

/** @param {string[]} packages with their architecture, as in `musl:arm64` */
export function unpackDebian(folder, packages) {
  apt ??= prepareApt()
  const archives = join(apt, 'cache', packages.join(' ').replaceAll(/[ :]/g, '-'))
  mkdirSync(join(archives, 'partial'), { recursive: true })
  const where = ['-o', `Dir::Cache::archives=${archives}`]
  run('apt-get', ['install', '--yes', '--quiet', '--download-only', ...where, ...packages], {
    quiet: true,
    env: aptEnvironment(apt),
  })
  for (const name of readdirSync(archives)
    .filter((it) => it.endsWith('.deb'))
    .sort(baseFilesFirst)) {
    const unpacked = outputOf('dpkg-deb', ['--extract', join(archives, name), folder])
    if (unpacked === undefined) throw new Error(`${name} could not be unpacked`)
  }
}

/** The package that links /lib and /bin into /usr must precede those with files in them. */
function baseFilesFirst(one, other) {
  return (
    Number(other.startsWith('base-files_')) - Number(one.startsWith('base-files_')) ||
    one.localeCompare(other)
  )
}

/** A separate apt without installed packages, so that it downloads every dependency. */
function prepareApt() {
  const folder = join(BUILD_CACHE, `apt-${RELEASE}`)
  if (!existsSync(KEYS)) throw new Error(`no ${KEYS}: this requires a Debian machine`)
  for (const name of ['lists/partial', 'cache']) mkdirSync(join(folder, name), { recursive: true })
  writeFileSync(join(folder, 'status'), '')
  writeFileSync(join(folder, 'sources.list'), `deb [signed-by=${KEYS}] ${mirror()} ${RELEASE} main\n`)
  run('apt-get', ['update', '--quiet'], { quiet: true, env: aptEnvironment(folder) })
  return folder
}

/** Returns the mirror of this machine, unless SHAZBOT_DEBIAN_MIRROR names another. */
function mirror() {
  const named = process.env.SHAZBOT_DEBIAN_MIRROR
  if (named) return named
  const found = outputOf('apt-get', ['indextargets', '--format', '$(SITE)'])?.split('\n') ?? []
  const main = found.find((site) => /\/debian\/?$/.test(site))
  if (!main) throw new Error('apt knows no mirror of Debian; SHAZBOT_DEBIAN_MIRROR may name one')
  return main
}

/** Settings in a file that apt reads first. */
function aptEnvironment(folder) {
  const settings = {
    'Dir::State': folder,
    'Dir::State::status': join(folder, 'status'),
    'Dir::State::lists': join(folder, 'lists'),
    'Dir::Cache': join(folder, 'cache'),
    'Dir::Etc::sourcelist': join(folder, 'sources.list'),
    'Dir::Etc::sourceparts': '-',
    'APT::Architecture': 'amd64',
    'APT::Architectures': 'amd64,arm64',
    'APT::Install-Recommends': 'false',
    'APT::Sandbox::User': '',
    'Acquire::Languages': 'none',
    'Debug::NoLocking': 'true',
  }
  const text = Object.entries(settings).map(([name, value]) => `${name} "${value}";\n`)
  writeFileSync(join(folder, 'settings'), text.join(''))
  return { ...process.env, APT_CONFIG: join(folder, 'settings'), LC_ALL: 'C' }
}
