'use strict'

const { existsSync } = require('node:fs')
const { isAbsolute } = require('node:path')
const { PLATFORMS, currentPlatform } = require('./platform.js')

/**
 * The variable with the path of an addon; if it is set, the generated loader tries only that path.
 */
const OVERRIDE = 'NAPI_RS_NATIVE_LIBRARY_PATH'

/** Node's error for loading an addon with `--permission` or `--no-addons`. */
const DISABLED = /loading addons is disabled/

/** Lines of the loader's own error that are kept; its chain of causes repeats the message. */
const MAX_CAUSE_LINES = 20

/** Builds that the loader looks for and this package never has. */
const NEVER_BUILT = /^Cannot find module '(?:\.\/)?clustershazbot[.-](?:darwin-universal|wasi|wasm32)/

/** In a bundle, the file has another name or none. */
const IS_BUNDLED =
  typeof __filename !== 'string' ||
  !isAbsolute(__filename) ||
  !/[\\/]js[\\/]engine[\\/]load-failure\.js$/.test(__filename)

/**
 * Returns the error for an addon that could not be loaded: the platform, the causes and the
 * remedies. The generated loader's error always blames a defect of npm; it is kept as `cause`.
 */
function loadFailure(cause) {
  const platform = currentPlatform()
  const causes = causesOf(cause)
  const { finding, remedies } = diagnose(
    platform.name,
    `${platform.description}, Node.js ${process.version}`,
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
  if (causes.some((line) => DISABLED.test(line))) return addonsDisabled(where)
  const override = process.env[OVERRIDE]
  if (override) return wrongOverride(override, platform, where)
  const finding = `no native addon could be loaded for ${where}`
  if (!PLATFORMS.includes(platform)) return unsupported(platform, finding)
  if (IS_BUNDLED) return isSingleExecutable() ? inExecutable(finding) : inBundle(finding)
  return { finding: `${finding}: ${stateOf(platform)}`, remedies: USUAL_REMEDIES }
}

function addonsDisabled(where) {
  const finding = `Node.js has no permission to load addons, for ${where}`
  // Undefined unless the permission model is enabled.
  if (process.permission) {
    return {
      finding,
      remedies: ['Add --allow-addons to --permission (before Node.js 23.5: --experimental-permission).'],
    }
  }
  return { finding, remedies: ['Remove --no-addons.'] }
}

function inBundle(finding) {
  return {
    finding: `${finding}: the package is part of a bundle, which does not contain the addon`,
    remedies: [
      'Mark clustershazbot and all its subpaths as external (/^clustershazbot(\\/|$)/), and install it where the ' +
        'bundle runs: docs/bundlers.md has the configurations.',
    ],
  }
}

function inExecutable(finding) {
  return {
    finding: `${finding}: the package is part of a single executable, which cannot load addons`,
    remedies: [
      'Mark it as external, install it next to the executable, and load it with ' +
        "require('node:module').createRequire(process.execPath)('clustershazbot').",
    ],
  }
}

function isSingleExecutable() {
  try {
    return require('node:sea').isSea()
  } catch {
    // Node.js before 20.12 has no such module.
    return false
  }
}

function wrongOverride(override, platform, where) {
  return {
    finding:
      `${OVERRIDE} names ${override}, which cannot be loaded for ${where}, ` +
      'and the loader tries nothing else while it is set',
    remedies: [
      'Set it to the absolute path of an addon that was built for this platform.',
      `Unset it to load the package ${packageOf(platform)}.`,
    ],
  }
}

function unsupported(platform, finding) {
  return {
    finding: `${finding}: there is no package ${packageOf(platform)}, only ${PLATFORMS.map(packageOf).join(', ')}`,
    remedies: [
      'Use one of these platforms.',
      'Build the addon from source: npm run build in a clone of the repository.',
    ],
  }
}

function stateOf(platform) {
  const installed = PLATFORMS.filter(isInstalled).map(packageOf)
  const wanted = packageOf(platform)
  if (installed.includes(wanted)) return `the package ${wanted} is installed, but cannot be loaded`
  return `the package ${wanted} is missing${installed.length > 0 ? `; installed: ${installed.join(', ')}` : ''}`
}

const USUAL_REMEDIES = [
  'If node_modules comes from another platform (a Docker image with musl instead of glibc, say): delete it and ' +
    'install again here. With npm 9 or 10 delete the lock file too, because they read the other platform from it.',
  'If optional packages were skipped (--omit=optional, --no-optional, yarn --ignore-optional): install with them.',
  'If Node.js and the installed package have different architectures (x64 on an arm64 machine), or the system is ' +
    'too old (glibc before 2.17): use a matching Node.js or a newer system. In a clone of the repository: npm run build.',
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

/**
 * Returns a line for each attempt of the generated loader, in order; the loader chains them in
 * reverse.
 */
function causesOf({ message, cause }) {
  const lines = []
  for (let attempt = cause; attempt; attempt = attempt.cause) {
    if (!NEVER_BUILT.test(attempt.message)) lines.unshift(explainMissing(onOneLine(attempt.message)))
  }
  return lines.length > 0 ? lines : [onOneLine(message)]
}

/** Returns the loader's error without its chain and without most of its stack. */
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

function onOneLine(message) {
  const [attempt] = message.split('\nRequire stack:')
  return attempt.replace(/\s*\n\s*/g, ' ')
}

/** glibc reports a library for another architecture as missing. */
function explainMissing(line) {
  const file = /^(.+): cannot open shared object file: No such file or directory$/.exec(line)?.[1]
  return file && existsSync(file) ? `${line} (the file exists, but was built for another architecture)` : line
}

module.exports = { loadFailure }
