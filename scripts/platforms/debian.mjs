/** Unpacks packages of a Debian release and all that they need into a folder; nothing of the machine's own system is touched. */

import { existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { ask, BUILD_CACHE, run } from './build-cache.mjs'

/** Of the releases the first whose C library, qemu and Wine run today's Node.js. */
const RELEASE = 'trixie'
const KEYS = '/usr/share/keyrings/debian-archive-keyring.gpg'

/** The folder of the apt that this run uses; its lists are of today, as mirrors drop what they replace. */
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
    const unpacked = ask('dpkg-deb', ['--extract', join(archives, name), folder])
    if (unpacked === undefined) throw new Error(`${name} could not be unpacked`)
  }
}

/** The package that makes /lib and /bin links into /usr has to come before those with files in there. */
function baseFilesFirst(one, other) {
  return (
    Number(other.startsWith('base-files_')) - Number(one.startsWith('base-files_')) ||
    one.localeCompare(other)
  )
}

/** An apt of its own: it believes that nothing is installed, so that it fetches every dependency. */
function prepareApt() {
  const folder = join(BUILD_CACHE, `apt-${RELEASE}`)
  if (!existsSync(KEYS)) throw new Error(`no ${KEYS}: this takes a Debian machine`)
  for (const name of ['lists/partial', 'cache']) mkdirSync(join(folder, name), { recursive: true })
  writeFileSync(join(folder, 'status'), '')
  writeFileSync(join(folder, 'sources.list'), `deb [signed-by=${KEYS}] ${mirror()} ${RELEASE} main\n`)
  run('apt-get', ['update', '--quiet'], { quiet: true, env: aptEnvironment(folder) })
  return folder
}

/** Where this machine has its own packages from, unless SHAZBOT_DEBIAN_MIRROR names another place. */
function mirror() {
  const named = process.env.SHAZBOT_DEBIAN_MIRROR
  if (named) return named
  const found = ask('apt-get', ['indextargets', '--format', '$(SITE)'])?.split('\n') ?? []
  const main = found.find((site) => /\/debian\/?$/.test(site))
  if (!main) throw new Error('apt knows no mirror of Debian; SHAZBOT_DEBIAN_MIRROR may name one')
  return main
}

/** Settings by file, which apt reads before all others. */
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
