/** The package managers: how each installs, its options, and where it puts packages. */

import { existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs'
import { delimiter, dirname, join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { cleanEnvironment, run } from './processes.mjs'

const npm = {
  add: ['install'],
  exec: ['exec', '--offline', '--'],
  ignoreScripts: { args: ['--ignore-scripts'] },
  omitOptional: { args: ['--omit=optional'] },
  foreign: foreignArguments,
  packages: flat,
}

const pnpm = {
  add: ['add'],
  exec: ['exec'],
  ignoreScripts: { args: ['--ignore-scripts'] },
  omitOptional: { args: ['--no-optional'] },
  foreign: foreignArguments,
  packages: inVirtualStore,
}

const yarn1 = {
  // Concurrent runs would corrupt its cache. It rejects packages that want a newer Node.js, as some
  // of Nest 12 do, where others only warn.
  add: ['add', '--non-interactive', '--mutex', 'network', '--ignore-engines'],
  exec: ['--silent', 'run'],
  ignoreScripts: { args: ['--ignore-scripts'] },
  omitOptional: { args: ['--ignore-optional'] },
  knowsLibc: false,
}

const yarn4 = {
  settings: 'nodeLinker: node-modules\n',
  add: ['add'],
  exec: ['run'],
  ignoreScripts: { args: ['--mode=skip-build'] },
  // It has no option to omit optional packages; an unknown system has the same effect.
  omitOptional: foreignSettings({ os: 'none', cpu: 'none' }),
  foreign: foreignSettings,
}

const plugAndPlay = {
  ...yarn4,
  settings: 'nodeLinker: pnp\npnpEnableEsmLoader: true\n',
  packages: unplugged,
  isFlat: false,
  node(app, format) {
    const required = ['--require', join(app, '.pnp.cjs')]
    const loader = String(pathToFileURL(join(app, '.pnp.loader.mjs')))
    return format === 'esm' ? [...required, '--experimental-loader', loader] : required
  },
}

/**
 * The package managers by name:
 * - `command`, and `settings` for a `.yarnrc.yml`
 * - `add`: adds a package and installs the rest of the manifest
 * - `exec`: runs a program of an installed package
 * - `ignoreScripts`, `omitOptional`, `foreign(platform)`: additional arguments or settings, or
 * undefined
 * - `packages`: the names of our packages that are present in an application
 * - `node`: the arguments with which Node.js finds them, by module format
 * - `isFlat`: whether TypeScript and bundlers find them without configuration
 * - `knowsLibc`: whether it distinguishes glibc from musl
 */
export async function managersOf({ versions, ...tools }) {
  const isWindows = process.platform === 'win32'
  const here = (await run(['npm --version'], { shell: true })).output.trim()
  const all = {
    npm: {
      ...npm,
      version: `npm ${here}`,
      command: [isWindows ? 'npm.cmd' : 'npm'],
      shell: isWindows,
      isUsualOne: true,
    },
    'npm-12': { ...npm, version: `npm ${versions.npm}`, command: tools.npm },
    'pnpm-10': { ...pnpm, version: `pnpm ${versions['pnpm-10']}`, command: tools['pnpm-10'] },
    'pnpm-12': { ...pnpm, version: `pnpm ${versions['pnpm-12']}`, command: tools['pnpm-12'] },
    'yarn-1': { ...yarn1, version: `yarn ${versions['yarn-1']}`, command: tools['yarn-1'] },
    'yarn-4': { ...yarn4, version: `yarn ${versions['yarn-4']}`, command: tools['yarn-4'] },
    'yarn-pnp': { ...plugAndPlay, version: `yarn ${versions['yarn-4']} PnP`, command: tools['yarn-4'] },
  }
  const standard = { settings: '', packages: flat, node: () => [], isFlat: true, knowsLibc: true }
  return Object.fromEntries(Object.entries(all).map(([name, manager]) => [name, { ...standard, ...manager }]))
}

/** Adds `clustershazbot` to the application in the folder, and installs its other dependencies. */
export async function install(manager, app, { registry, home }, { args = [], settings = '' } = {}) {
  if (manager.settings) {
    writeFileSync(join(app, '.yarnrc.yml'), manager.settings + settings)
    // Without this file, yarn searches for a project in the parent folders.
    writeFileSync(join(app, 'yarn.lock'), '')
  }
  layOutHome(home, registry.url)
  await runManager(manager, app, home, [...manager.add, 'clustershazbot', ...args])
}

/** Runs the package's program in an application, as its users do; resolves with the output. */
export async function runCommandLine(manager, app, { home }, args) {
  const { output } = await runManager(manager, app, home, [...manager.exec, 'clustershazbot', ...args])
  return output
}

function runManager({ command: [first, ...rest], shell }, app, home, args) {
  const PATH = (rest.length > 0 ? dirname(first) + delimiter : '') + process.env.PATH
  const env = cleanEnvironment({ HOME: home, USERPROFILE: home, PATH })
  return run([first, ...rest, ...args], { cwd: app, env, shell })
}

/**
 * A home without the user's settings, and without caches, which would contain our version of an
 * earlier run.
 */
function layOutHome(home, url) {
  if (existsSync(home)) return
  mkdirSync(home, { recursive: true })
  const lines = {
    '.npmrc': [`registry=${url}`, 'update-notifier=false', 'fund=false', 'audit=false'],
    '.yarnrc': [`registry "${url}"`],
    '.yarnrc.yml': [
      `npmRegistryServer: "${url.slice(0, -1)}"`,
      'unsafeHttpWhitelist: ["127.0.0.1"]',
      'enableTelemetry: false',
      // Packages that are a minute old would otherwise be rejected.
      'npmMinimalAgeGate: 0',
    ],
  }
  for (const [name, text] of Object.entries(lines)) writeFileSync(join(home, name), `${text.join('\n')}\n`)
}

function foreignArguments({ os, cpu, libc }) {
  return { args: [`--os=${os}`, `--cpu=${cpu}`, ...(libc ? [`--libc=${libc}`] : [])] }
}

function foreignSettings({ os, cpu, libc }) {
  const lines = [`os: [${os}]`, `cpu: [${cpu}]`, ...(libc ? [`libc: [${libc}]`] : [])]
  return { settings: `supportedArchitectures:\n${lines.map((line) => `  ${line}\n`).join('')}` }
}

function flat(app) {
  return ours(join(app, 'node_modules'))
}

/** pnpm: `node_modules` contains the direct dependencies, and `.pnpm` in it all packages. */
function inVirtualStore(app) {
  return ours(join(app, 'node_modules/.pnpm')).map((name) => name.replace(/@.*/, ''))
}

/** Plug'n'Play keeps packages zipped in a cache, except those that cannot be loaded from it. */
function unplugged(app) {
  const addons = ours(join(app, '.yarn/unplugged')).map((name) => name.replace(/-npm-.*/, ''))
  return ['clustershazbot', ...addons]
}

function ours(folder) {
  return existsSync(folder) ? readdirSync(folder).filter((name) => name.startsWith('clustershazbot')) : []
}
