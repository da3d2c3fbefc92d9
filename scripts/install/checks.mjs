/** The checks of the package, as each package manager installs it. */

import { createRequire } from 'node:module'
import { join } from 'node:path'
import { platformOfThisMachine } from '../platforms/rigs.mjs'
import { APPS, layOutApp, layOutEmptyApp, layOutProgram, layOutSource } from './apps.mjs'
import { install, runCommandLine } from './managers.mjs'
import { openScope, run } from './processes.mjs'

const require = createRequire(import.meta.url)
const { runPairScenario } = require('../../__test__/apps/support/pair-scenario.js')
const { startProgram } = require('../../__test__/apps/support/program.js')
const { version } = require('../../package.json')

const HERE = platformOfThisMachine()
const [SYSTEM, MACHINE, LIBRARY] = HERE.split('-')

const ONE_PACKAGE = 'one platform package'
const COMMAND_LINE = 'command line'
const NO_SCRIPTS = 'scripts ignored'
const NO_OPTIONAL = 'optional left out: error'
const FOREIGN_SYSTEM = 'another system: error'
const FOREIGN_LIBRARY = 'another C library: error'
const BUNDLE = 'bundle by esbuild'

/** The names of the table's rows. */
export const CHECKS = [
  ...Object.entries(APPS).flatMap(([title, { programs }]) =>
    Object.keys(programs).map((language) => `${title}, ${language}`),
  ),
  ...[ONE_PACKAGE, COMMAND_LINE, NO_SCRIPTS, NO_OPTIONAL, FOREIGN_SYSTEM, FOREIGN_LIBRARY, BUNDLE],
]

/**
 * Returns the tasks for a package manager, which can run concurrently.
 *
 * @param {object} place `manager`, `folder` for its applications, `home`, `registry`, the
 * `published` platforms, the command `esbuild`, and `check(name, perform)`, which records the
 * outcome and never rejects
 * @returns {(() => Promise<void>)[]}
 */
export function tasksOf(place) {
  const { manager } = place
  return [
    ...Object.entries(APPS).map(
      ([title, app]) =>
        () =>
          tryApp(place, title, app),
    ),
    () => tryWithoutScripts(place),
    () => tryWrongInstall(place, NO_OPTIONAL, manager.omitOptional, []),
    ...foreignPlatforms().map(({ check, platform, where }) => () => {
      // Without an artifact, no platform package was published, and only the root package is
      // installed.
      const expected = place.published.includes(platform) ? [platform] : []
      return tryWrongInstall(place, check, manager.foreign?.(where), expected)
    }),
    ...(manager.isUsualOne ? [() => tryBundle(place)] : []),
  ]
}

function foreignPlatforms() {
  const system =
    SYSTEM === 'win32'
      ? { platform: 'linux-x64-gnu', where: { os: 'linux', cpu: 'x64', libc: 'glibc' } }
      : { platform: 'win32-x64-msvc', where: { os: 'win32', cpu: 'x64' } }
  const found = [{ check: FOREIGN_SYSTEM, ...system }]
  if (SYSTEM !== 'linux') return found
  const [abi, libc] = LIBRARY === 'gnu' ? ['musl', 'musl'] : ['gnu', 'glibc']
  const library = { platform: `linux-${MACHINE}-${abi}`, where: { os: 'linux', cpu: MACHINE, libc } }
  return [...found, { check: FOREIGN_LIBRARY, ...library }]
}

async function tryApp(place, title, app) {
  const { manager, check } = place
  const folder = join(place.folder, app.workspace)
  const languages = Object.keys(app.programs).filter(
    (language) => manager.isFlat || language !== 'TypeScript',
  )
  if (languages.length === 0) return
  layOutApp(app, folder)
  const installed = install(manager, folder, place)
  await check(ONE_PACKAGE, async () => {
    await installed
    requirePackages(place, folder, [HERE])
  })
  await check(COMMAND_LINE, async () => {
    await installed
    const output = await runCommandLine(manager, folder, place, ['--version'])
    // pnpm says before that it is up to date.
    if (output.trim().split('\n').at(-1) !== version)
      throw new Error(`the version is ${version}, but the command says ${output}`)
  })
  for (const language of languages) {
    await check(`${title}, ${language}`, async () => {
      await installed
      await runPair(place, app, folder, await layOutProgram(app, folder, language), app.programs[language])
    })
  }
}

async function tryWithoutScripts(place) {
  const { manager, check } = place
  const app = APPS['Express 5']
  const folder = join(place.folder, 'without-scripts')
  await check(NO_SCRIPTS, async () => {
    layOutApp(app, folder)
    await install(manager, folder, place, manager.ignoreScripts)
    await runPair(place, app, folder, await layOutProgram(app, folder, 'CommonJS'), 'cjs')
  })
}

/** Without this platform's package, loading must fail with an error that names what is missing. */
async function tryWrongInstall(place, name, option, platforms) {
  if (!option) return
  const { manager, check } = place
  const folder = join(place.folder, name.replaceAll(/\W+/g, '-'))
  await check(name, async () => {
    layOutEmptyApp(folder)
    await install(manager, folder, place, option)
    requirePackages(place, folder, platforms)
    for (const [format, type, program] of [
      ['cjs', 'commonjs', "require('clustershazbot')"],
      ['esm', 'module', "import 'clustershazbot'"],
    ]) {
      const command = [
        process.execPath,
        ...manager.node(folder, format),
        `--input-type=${type}`,
        '-e',
        program,
      ]
      const { code, output } = await run(command, { cwd: folder, mayFail: true, within: 60_000 })
      if (code !== 1) throw new Error(`${program} ended with ${code}`)
      for (const part of ['clustershazbot: ', `clustershazbot-${HERE}`])
        if (!output.includes(part)) throw new Error(`the error does not say "${part}":\n${output}`)
    }
  })
}

/** The bundle runs in a folder where only the external packages are installed. */
async function tryBundle(place) {
  const { manager, check, esbuild } = place
  const app = APPS['Express 5']
  const [sources, folder] = [join(place.folder, 'bundled'), join(place.folder, 'bundle')]
  await check(BUNDLE, async () => {
    layOutApp(app, sources)
    layOutEmptyApp(folder)
    await install(manager, sources, place)
    await install(manager, folder, place)
    const entry = layOutSource(app, sources)
    const options = ['--bundle', '--platform=node', '--external:clustershazbot', '--outfile=../bundle/app.js']
    await run([...esbuild, entry, ...options], { cwd: sources })
    await runPair(place, app, folder, join(folder, 'app.js'), 'cjs')
  })
}

/** Two processes of the program find each other, answer requests, drain, and leave. */
async function runPair({ manager }, { exits }, folder, program, format) {
  const scope = openScope()
  const command = [...manager.node(folder, format), program]
  const start = (context, options) => startProgram(context, command, { cwd: folder, ...options })
  try {
    await runPairScenario(scope, start, { unauthorized: 401, exits })
  } finally {
    await scope.close()
  }
}

function requirePackages({ manager, published }, folder, platforms) {
  const alike = (platform) => platforms.some((wanted) => wanted.startsWith(withoutLibrary(platform)))
  const wanted = manager.knowsLibc ? platforms : published.filter(alike)
  const expected = ['clustershazbot', ...wanted.map((platform) => `clustershazbot-${platform}`)].sort()
  const found = manager.packages(folder).sort()
  if (found.join() !== expected.join())
    throw new Error(`installed: ${found.join(', ')}; expected: ${expected.join(', ')}`)
}

function withoutLibrary(platform) {
  return platform.split('-').slice(0, 2).join('-')
}
