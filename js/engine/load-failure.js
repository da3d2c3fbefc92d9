'use strict'

const { existsSync } = require('node:fs')
const { isAbsolute } = require('node:path')
const { PLATFORMS, thisPlatform } = require('./platform.js')

/** With this variable set, the generated loader tries the addon that it names and no other. */
const OVERRIDE = 'NAPI_RS_NATIVE_LIBRARY_PATH'

/** What Node.js says instead of loading an addon, with `--permission` or `--no-addons`. */
const DISABLED = /loading addons is disabled/

/** Lines of the loader's own error that are kept: its chain of causes repeats what the message says. */
const MAX_CAUSE_LINES = 20

/** It looks for builds, too, that this package never has. */
const NEVER_THERE = /^Cannot find module '(?:\.\/)?clustershazbot[.-](?:darwin-universal|wasi|wasm32)/

/** In a bundle this is another file, or none. */
const IS_BUNDLED =
  typeof __filename !== 'string' ||
  !isAbsolute(__filename) ||
  !/[\\/]js[\\/]engine[\\/]load-failure\.js$/.test(__filename)

/**
 * The error for an addon that could not be loaded: where, why, and what helps. The generated loader's error blames a defect
 * of npm whatever the cause is; it is kept as `cause`.
 */
function loadFailure(cause) {
  const platform = thisPlatform()
  const causes = causesOf(cause)
  const { finding, remedies } = diagnose(
    platform.name,
    `${platform.words}, Node.js ${process.version}`,
    causes,
  )
  const lines = [
    `clustershazbot: ${finding}.`,
    'Causes:',
    ...causes.map((line) => `  - ${line}`),
    'What helps:',
    ...remedies.map((remedy, index) => `  ${index + 1}. ${remedy}`),
  ]
  return new Error(lines.join('\n'), { cause: shortened(cause) })
}

function diagnose(platform, where, causes) {
  if (causes.some((line) => DISABLED.test(line))) return forbidden(where)
  const override = process.env[OVERRIDE]
  if (override) return misled(override, platform, where)
  const finding = `no native addon could be loaded for ${where}`
  if (!PLATFORMS.includes(platform)) return unsupported(platform, finding)
  if (IS_BUNDLED) return isSingleExecutable() ? inExecutable(finding) : inBundle(finding)
  return { finding: `${finding}: ${stateOf(platform)}`, remedies: USUAL_REMEDIES }
}

function forbidden(where) {
  const finding = `Node.js was started without the permission to load addons, for ${where}`
  // Absent unless the permission model is switched on.
  if (process.permission) {
    return {
      finding,
      remedies: ['Add --allow-addons to --permission (before Node.js 23.5: --experimental-permission).'],
    }
  }
  return { finding, remedies: ['Leave out --no-addons.'] }
}

function inBundle(finding) {
  return {
    finding: `${finding}: the package is part of a bundle, where it can't find it`,
    remedies: [
      'Let the bundler leave clustershazbot and all its subpaths external (/^clustershazbot(\\/|$)/), and install it where ' +
        'the bundle runs: docs/bundlers.md has the configurations.',
    ],
  }
}

function inExecutable(finding) {
  return {
    finding: `${finding}: the package is part of a single executable, which can't load it from inside`,
    remedies: [
      'Leave it external, install it beside the executable, and load it by ' +
        "require('node:module').createRequire(process.execPath)('clustershazbot').",
    ],
  }
}

function isSingleExecutable() {
  try {
    return require('node:sea').isSea()
  } catch {
    // Not there before Node.js 20.12.
    return false
  }
}

function misled(override, platform, where) {
  return {
    finding:
      `${OVERRIDE} names ${override}, which can't be loaded for ${where}, ` +
      'and nothing else is tried while it is set',
    remedies: [
      'Let it name an addon that was built for this platform, by its absolute path.',
      `Unset it, so that the package ${packageOf(platform)} is looked for.`,
    ],
  }
}

function unsupported(platform, finding) {
  return {
    finding: `${finding}: there is no package ${packageOf(platform)}, only ${PLATFORMS.map(packageOf).join(', ')}`,
    remedies: [
      'Run it on one of these platforms.',
      'Build the addon from source: npm run build in a clone of the repository.',
    ],
  }
}

function stateOf(platform) {
  const installed = PLATFORMS.filter(isInstalled).map(packageOf)
  const wanted = packageOf(platform)
  if (installed.includes(wanted)) return `the package ${wanted} is installed, but can't be loaded`
  return `the package ${wanted} is missing${installed.length > 0 ? `; installed is ${installed.join(', ')}` : ''}`
}

const USUAL_REMEDIES = [
  'If node_modules was installed on another platform or comes from there (a Docker image with musl instead of glibc, ' +
    'say): delete it, delete the lock file too with npm 9 or 10, which read the other platform out of it, and install ' +
    'again here.',
  'If optional packages were left out (--omit=optional, --no-optional, yarn --ignore-optional): install with them.',
  'If Node.js is for another architecture than was installed for (x64 on an arm64 machine), or the system is too old ' +
    '(glibc before 2.17): take a Node.js or a system that fits. In a clone of the repository: npm run build.',
]

function packageOf(platform) {
  return `clustershazbot-${platform}`
}

function isInstalled(platform) {
  try {
    require.resolve(`${packageOf(platform)}/package.json`)
    return true
  } catch {
    return false
  }
}

/** A line for each attempt of the generated loader, in its order; it chains them with the last one first. */
function causesOf({ message, cause }) {
  const lines = []
  for (let attempt = cause; attempt; attempt = attempt.cause) {
    if (!NEVER_THERE.test(attempt.message)) lines.unshift(clarified(inOneLine(attempt.message)))
  }
  return lines.length > 0 ? lines : [inOneLine(message)]
}

/** The loader's error without the errors that it chains, and without most of its stack. */
function shortened({ message, stack = '', code }) {
  const short = new Error(
    message
      .split('\n')
      .slice(0, MAX_CAUSE_LINES / 2)
      .join('\n'),
  )
  short.stack = stack.split('\n').slice(0, MAX_CAUSE_LINES).join('\n')
  if (code !== undefined) short.code = code
  return short
}

function inOneLine(message) {
  const [attempt] = message.split('\nRequire stack:')
  return attempt.replace(/\s*\n\s*/g, ' ')
}

/** glibc calls a library for another machine missing. */
function clarified(line) {
  const file = /^(.+): cannot open shared object file: No such file or directory$/.exec(line)?.[1]
  return file && existsSync(file) ? `${line} (it is there, but made for another machine)` : line
}

module.exports = { loadFailure }
