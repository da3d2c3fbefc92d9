'use strict'

const { existsSync } = require('node:fs')
const { PLATFORMS, thisPlatform } = require('./platform.js')

/** With this variable set, the generated loader tries the addon that it names and no other. */
const OVERRIDE = 'NAPI_RS_NATIVE_LIBRARY_PATH'

/** It looks for builds, too, that this package never has. */
const NEVER_THERE = /^Cannot find module '(?:\.\/)?clustershazbot[.-](?:darwin-universal|wasi|wasm32)/

/**
 * The error for an addon that could not be loaded: where, why, and what helps. The generated loader's error blames a defect
 * of npm whatever the cause is; it is kept as `cause`.
 */
function loadFailure(cause) {
  const platform = thisPlatform()
  const { finding, remedies } = diagnose(platform.name, `${platform.words}, Node.js ${process.version}`)
  const lines = [
    `clustershazbot: ${finding}.`,
    'Causes:',
    ...causesOf(cause).map((line) => `  - ${line}`),
    'What helps:',
    ...remedies.map((remedy, index) => `  ${index + 1}. ${remedy}`),
  ]
  return new Error(lines.join('\n'), { cause })
}

function diagnose(platform, where) {
  const override = process.env[OVERRIDE]
  if (override) return misled(override, platform, where)
  const finding = `no native addon could be loaded for ${where}`
  if (!PLATFORMS.includes(platform)) return unsupported(platform, finding)
  return { finding: `${finding}: ${stateOf(platform)}`, remedies: USUAL_REMEDIES }
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
