'use strict'

const { describe, test } = require('node:test')
const assert = require('node:assert/strict')
const { spawnSync } = require('node:child_process')
const {
  copyFileSync,
  cpSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} = require('node:fs')
const { tmpdir } = require('node:os')
const path = require('node:path')
const { cleanEnvironment } = require('../support/environment')
const { PLATFORMS, currentPlatform } = require('../../js/engine/platform.js')

const ROOT = path.join(__dirname, '..', '..')
const { napi, version } = require('../../package.json')
const { name: HERE, description: WORDS } = currentPlatform()
const ADDON = path.join(ROOT, `clustershazbot.${HERE}.node`)
const OTHER = HERE === 'darwin-arm64' ? 'darwin-x64' : 'darwin-arm64'

/** An application with the published package but without an addon; deleted with the test. */
function createApplication(t) {
  const app = mkdtempSync(path.join(tmpdir(), 'clustershazbot-'))
  t.after(() => rmSync(app, { recursive: true, force: true }))
  for (const part of ['package.json', 'binding.js', 'js'])
    cpSync(path.join(ROOT, part), path.join(app, 'node_modules/clustershazbot', part), { recursive: true })
  return app
}

/** Adds the package of a platform; `write` creates its addon at a path. */
function install(app, platform, write) {
  const name = `clustershazbot-${platform}`
  const main = `clustershazbot.${platform}.node`
  const folder = path.join(app, 'node_modules', name)
  mkdirSync(folder)
  writeFileSync(path.join(folder, 'package.json'), JSON.stringify({ name, version, main }))
  write(path.join(folder, main))
}

const theAddon = (file) => copyFileSync(ADDON, file)
const garbage = (file) => writeFileSync(file, 'This is no library.')

/** A valid addon for an unknown machine, whose number is in these two bytes of an ELF header. */
function foreignAddon(file) {
  const bytes = readFileSync(ADDON)
  bytes.writeUInt16LE(0xfffe, 18)
  writeFileSync(file, bytes)
}

/** Returns the output of a process in the application. */
function run(app, program, { env = {}, options = [] } = {}) {
  const variables = { ...cleanEnvironment(), NAPI_RS_NATIVE_LIBRARY_PATH: '', ...env }
  const process_ = spawnSync(process.execPath, [...options, '-e', program], {
    cwd: app,
    env: variables,
    encoding: 'utf8',
  })
  assert.equal(process_.status, 0, process_.stderr)
  return process_.stdout
}

function assertLoads(app, settings) {
  const program = "process.stdout.write(typeof require('clustershazbot').shazbotStart)"
  assert.equal(run(app, program, settings), 'function')
}

/** Returns the message of the error with which loading fails. */
function failure(app, settings) {
  const program = `
    try {
      require('clustershazbot')
    } catch ({ message, cause }) {
      process.stdout.write(JSON.stringify({ message, cause: cause.message }))
    }`
  const { message, cause } = JSON.parse(run(app, program, settings))
  assert.equal(cause.slice(0, 27), 'Cannot find native binding.', 'the error of the generated loader')
  return message
}

/** Returns the lines below a heading of the message. */
function linesBelow(heading, message) {
  const lines = message.split('\n')
  const from = lines.indexOf(heading) + 1
  assert.ok(from > 0, message)
  const below = lines.slice(from)
  const end = below.findIndex((line) => !line.startsWith('  '))
  return below.slice(0, end === -1 ? undefined : end).map((line) => line.trim())
}

describe('the loader', { concurrency: 4 }, () => {
  test('lists the platforms of a release', async () => {
    const { parseTriple } = await import('@napi-rs/cli')
    const targets = napi.targets.map((target) => parseTriple(target).platformArchABI)
    assert.deepEqual([...PLATFORMS].sort(), targets.sort())
  })

  test('loads the addon from the package of the platform', (t) => {
    const app = createApplication(t)
    install(app, HERE, theAddon)
    assertLoads(app)
  })

  test('does not read the generated loader if the package of the platform can be loaded', (t) => {
    const app = createApplication(t)
    rmSync(path.join(app, 'node_modules/clustershazbot/binding.js'))
    install(app, HERE, theAddon)
    assertLoads(app)
  })

  test('reads no file that a start does not need', (t) => {
    const app = createApplication(t)
    install(app, HERE, theAddon)
    const program = `
      require('clustershazbot')
      const files = Object.keys(require.cache).map((file) => require('node:path').basename(file))
      process.stdout.write(files.filter((file) => file.endsWith('.js')).sort().join())`
    assert.equal(run(app, program), 'addon.js,index.js,lifecycle.js')
  })

  test('loads without a thread', { skip: process.platform !== 'linux' && 'it counts them in /proc' }, (t) => {
    const app = createApplication(t)
    install(app, HERE, theAddon)
    const program = `
      const threads = () => require('node:fs').readdirSync('/proc/self/task').length
      const before = threads()
      require('clustershazbot')
      process.stdout.write(String(threads() - before))`
    assert.equal(run(app, program), '0')
  })

  test('loads without a thread after the only worker with the addon has ended', {
    skip: process.platform !== 'linux' && 'it counts them in /proc',
  }, (t) => {
    const app = createApplication(t)
    install(app, HERE, theAddon)
    const program = `
      const { Worker } = require('node:worker_threads')
      const load = \`
        const threads = () => require('node:fs').readdirSync('/proc/self/task').length
        const before = threads()
        require('clustershazbot')
        process.stdout.write(String(threads() - before))\`
      const worker = (next) => new Worker(load, { eval: true }).on('exit', next)
      worker(() => worker(() => {}))`
    assert.equal(run(app, program), '00')
  })

  test('names what is missing, the platform, and remedies', (t) => {
    const message = failure(createApplication(t))
    const [first] = message.split('\n')
    assert.equal(
      first,
      `clustershazbot: no native addon could be loaded for ${WORDS}, Node.js ${process.version}: ` +
        `the package clustershazbot-${HERE} is missing.`,
    )
    if (process.platform === 'linux') assert.match(first, /linux, \w+, (glibc \d+\.\d+|musl), Node/)
    assert.deepEqual(linesBelow('Causes:', message), [
      `- Cannot find module './clustershazbot.${HERE}.node'`,
      `- Cannot find module 'clustershazbot-${HERE}'`,
    ])
    const [copied, omitted, unfit, ...more] = linesBelow('What helps:', message)
    assert.match(copied, /^1\. .*node_modules.*musl instead of glibc.*npm 9 or 10 .*lock file/)
    assert.match(omitted, /^2\. .*--omit=optional, --no-optional, yarn --ignore-optional/)
    assert.match(unfit, /^3\. .*x64 on an arm64 machine.*glibc before 2\.17.*npm run build/)
    assert.deepEqual(more, [])
  })

  test('names the platform that is installed instead', (t) => {
    const app = createApplication(t)
    install(app, OTHER, garbage)
    assert.match(
      failure(app),
      new RegExp(`the package clustershazbot-${HERE} is missing; installed: clustershazbot-${OTHER}\\.\n`),
    )
  })

  test('distinguishes a broken addon from a missing one', (t) => {
    const app = createApplication(t)
    install(app, HERE, garbage)
    const message = failure(app)
    assert.match(
      message,
      new RegExp(`: the package clustershazbot-${HERE} is installed, but cannot be loaded\\.\n`),
    )
    const [, cause, ...more] = linesBelow('Causes:', message)
    assert.ok(cause.includes(`clustershazbot.${HERE}.node`), cause)
    assert.doesNotMatch(cause, /Cannot find module/)
    assert.deepEqual(more, [])
  })

  test('does not report an addon for another architecture as missing', {
    skip: process.platform !== 'linux',
  }, (t) => {
    const app = createApplication(t)
    install(app, HERE, foreignAddon)
    const [, cause] = linesBelow('Causes:', failure(app))
    assert.ok(cause.includes(`clustershazbot.${HERE}.node: `), cause)
    if (HERE.endsWith('-gnu'))
      assert.match(cause, /\(the file exists, but was built for another architecture\)$/)
  })

  test('prints a cause of at most 20 lines', (t) => {
    const app = createApplication(t)
    install(app, HERE, garbage)
    const program = `
      Error.stackTraceLimit = 100
      const deep = (left) => (left === 0 ? require('clustershazbot') : deep(left - 1))
      try {
        deep(50)
      } catch ({ cause }) {
        process.stdout.write(require('node:util').inspect(cause))
      }`
    const printed = run(app, program).split('\n')
    assert.ok(printed.length <= 20, printed.join('\n'))
    assert.match(printed[0], /^Error: Cannot find native binding\./)
  })

  test('reports that addons are disabled', (t) => {
    const app = createApplication(t)
    install(app, HERE, theAddon)
    const [major, minor] = process.versions.node.split('.').map(Number)
    const permission =
      major > 23 || (major === 23 && minor >= 5) ? '--permission' : '--experimental-permission'
    for (const [options, remedy] of [
      [[permission, '--allow-fs-read=*'], /^1\. Add --allow-addons to --permission/],
      [['--no-addons'], /^1\. Remove --no-addons\.$/],
    ]) {
      const message = failure(app, { options })
      assert.ok(message.startsWith('clustershazbot: Node.js has no permission to load addons'), message)
      const [first, ...more] = linesBelow('What helps:', message)
      assert.match(first, remedy)
      assert.deepEqual(more, [])
    }
    assertLoads(app, { options: [permission, '--allow-fs-read=*', '--allow-addons'] })
  })

  test('lists the supported platforms', (t) => {
    const app = createApplication(t)
    const preload = path.join(app, 'freebsd.js')
    writeFileSync(preload, "Object.defineProperty(process, 'platform', { value: 'freebsd' })")
    const message = failure(app, { options: ['--require', preload] })
    const [first] = message.split('\n')
    assert.ok(
      first.includes(`for freebsd, ${process.arch}, Node.js ${process.version}: there is no package`),
      first,
    )
    for (const platform of PLATFORMS) assert.ok(first.includes(`clustershazbot-${platform}`), platform)
    assert.match(linesBelow('What helps:', message).join('\n'), /npm run build/)
  })

  describe('with NAPI_RS_NATIVE_LIBRARY_PATH', () => {
    const named = (file) => ({ env: { NAPI_RS_NATIVE_LIBRARY_PATH: file } })

    test('loads that addon', (t) => assertLoads(createApplication(t), named(ADDON)))

    for (const [what, write] of Object.entries({ 'no file': () => {}, garbage })) {
      test(`and ${what} there, reports that and loads no other`, (t) => {
        const app = createApplication(t)
        install(app, HERE, theAddon)
        const file = path.join(app, 'named.node')
        write(file)
        const message = failure(app, named(file))
        assert.ok(
          message.startsWith(
            `clustershazbot: NAPI_RS_NATIVE_LIBRARY_PATH names ${file}, which cannot be loaded`,
          ),
          message,
        )
        assert.ok(message.includes(`for ${WORDS}, Node.js ${process.version}`), message)
        const causes = linesBelow('Causes:', message)
        assert.equal(causes.length, 1, message)
        assert.ok(causes[0].includes('named.node'), message)
        assert.match(linesBelow('What helps:', message).join('\n'), /absolute path.*\n.*Unset it/)
      })
    }
  })
})

describe('loading', () => {
  for (const load of ["require('clustershazbot')", "await import('clustershazbot')"]) {
    test(`${load} does not keep the process alive`, () => {
      const program = `(async () => {
        ${load}
        const loaded = performance.now()
        process.on('exit', () => console.log(performance.now() - loaded))
      })()`
      // The retry for a happy-server that is loaded later would keep it alive for 3 s.
      assert.ok(Number(run(ROOT, program)) < 2_500)
    })
  }

  test('opens no handle and no timer that keeps the process alive', () => {
    const program = `
      const before = process.getActiveResourcesInfo()
      require('clustershazbot')
      console.log(JSON.stringify({ before, after: process.getActiveResourcesInfo() }))`
    const { before, after } = JSON.parse(run(ROOT, program))
    assert.deepEqual(after, before)
  })

  test("starts no threads except the runtime's", { skip: process.platform !== 'linux' }, () => {
    const program = `
      const { readdirSync, readFileSync } = require('node:fs')
      const threads = () => readdirSync('/proc/self/task')
      const before = new Set(threads())
      require('clustershazbot')
      const nameOf = (thread) => readFileSync('/proc/self/task/' + thread + '/comm', 'utf8').trim()
      const others = () => threads().filter((thread) => !before.has(thread)).map(nameOf)
        .filter((name) => name !== 'tokio-rt-worker')
      // A new thread has its creator's name until it runs for the first time.
      for (let i = 0; i < 100 && others().length > 0; i++) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 50)
      console.log(JSON.stringify(others()))`
    assert.deepEqual(JSON.parse(run(ROOT, program)), [])
  })
})
