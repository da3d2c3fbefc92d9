'use strict'

const assert = require('node:assert/strict')
const { execFile } = require('node:child_process')
const { copyFileSync, mkdtempSync, rmSync } = require('node:fs')
const { tmpdir } = require('node:os')
const path = require('node:path')
const { before, describe, test } = require('node:test')
const { promisify } = require('node:util')
const { tsc } = require('../apps/support/build')
const { runPairScenario } = require('../apps/support/pair-scenario')
const { startProgram } = require('../apps/support/program')
const { certificate, fixture } = require('../support/certificates')
const { aWhileAgo, entry, isOffline, isOnline } = require('../support/entries')
const { cleanEnvironment, environment } = require('../support/environment')
const { eventually, withTimeout } = require('../support/eventually')
const { request } = require('../support/http')
const { createMasterListStore } = require('../support/master-list-store')
const { installTools, toolPath } = require('../support/npm-tools')
const { freePort } = require('../support/ports')
const { startSubject } = require('../support/subject')

const FOLDER = path.join(__dirname, '..', '..', 'examples', 'recipes')
const VISITOR = { Authorization: 'Bearer a-visitor' }
/** The longest shutdown, a process manager's delays, and a margin for a busy machine. */
const ENDS_WITHIN = 60_000

const endsItself = ({ code }) => code === 0
const endsBySignal = (end, signal) => end.signal === signal

/** The programs, how each exits, and how it answers a visitor without a login. */
const PROGRAMS = [
  { name: 'node-http', exits: endsItself },
  { name: 'koa', exits: endsItself },
  { name: 'hapi', exits: endsItself },
  { name: 'hono', exits: endsItself },
  { name: 'h3', exits: endsItself },
  { name: 'fastify-root-hook', exits: endsItself, withoutLogIn: 401 },
  { name: 'nest-guards', exits: endsBySignal, withoutLogIn: 403, path: 'api', text: '{"data":"Hello"}' },
  { name: 'access-log', exits: endsItself },
]

/** The executables of Bun, Deno and PM2 in their npm packages. */
const BUN = `@oven/bun-linux-${process.arch}/bin/bun`
const DENO = `@deno/linux-${process.arch}-glibc/deno`
const PM2 = 'pm2/bin/pm2-runtime'
const isGlibcLinux =
  process.platform === 'linux' && process.report.getReport().header.glibcVersionRuntime !== undefined

const startIn = (t, command, options) => startProgram(t, command, { cwd: FOLDER, ...options })

describe('recipes', { concurrency: true }, () => {
  before(async () => {
    await tsc('--project', FOLDER)
    await installTools({ 'pm2@7': PM2, ...(isGlibcLinux && { 'bun@1': BUN, 'deno@2': DENO }) })
  })

  for (const { name, exits, withoutLogIn = 200, path: page = '', text = 'Hello' } of PROGRAMS) {
    const start = (t, options) => startIn(t, [`dist/${name}.js`], options)

    test(`${name}: two servers run through their life cycle`, async (t) => {
      await runPairScenario(t, start, { unauthorized: 401, exits })
    })

    test(`${name}: visitors are answered as before`, async (t) => {
      const program = await start(t, { store: await createMasterListStore(t) })
      await program.listening()
      const answer = await request(program.baseUrl + page, { headers: VISITOR })
      assert.deepEqual([answer.status, answer.text], [200, text])
      assert.equal((await request(program.baseUrl + page)).status, withoutLogIn)
      assert.equal((await request(`${program.baseUrl}nowhere`, { headers: VISITOR })).status, 404)
    })
  }

  for (const [runtime, executable, ...options] of [
    ['Bun', BUN],
    ['Deno', DENO, 'run', '--allow-all'],
  ]) {
    test(`${runtime}: two servers run through their life cycle`, async (t) => {
      if (!isGlibcLinux) return t.skip('its binary is fetched on Linux with glibc only')
      const command = [...options, 'dist/node-http.js']
      const start = (context, settings) =>
        startIn(context, command, { executable: toolPath(executable), ...settings })
      await runPairScenario(t, start, { unauthorized: 401, exits: endsItself })
    })
  }

  test('cluster: the workers of a program are one server, which exits by itself', async (t) => {
    const end = await livesBesideAnother(t, ['dist/cluster.js'], { WORKERS: '2' })
    assert.equal(end.code, 0, end.output)
    assert.equal(end.output.match(/engine shut down/g)?.length, 2, end.output)
  })

  test('PM2: its instances are one server, and leave before they are killed', async (t) => {
    const home = mkdtempSync(path.join(tmpdir(), 'clustershazbot-pm2-'))
    t.after(() => rmSync(home, { recursive: true, force: true }))
    const end = await livesBesideAnother(t, [toolPath(PM2), 'start', 'ecosystem.config.cjs'], {
      PM2_HOME: home,
      PM2_DISABLE_VERSION_CHECK: 'true',
    })
    assert.equal(end.output.match(/engine shut down/g)?.length, 2, end.output)
    assert.doesNotMatch(end.output, /SIGKILL/)
  })

  test('PM2: of the instances behind one URL, only the first runs what their server owns', async (t) => {
    const home = mkdtempSync(path.join(tmpdir(), 'clustershazbot-pm2-'))
    t.after(() => rmSync(home, { recursive: true, force: true }))
    const env = { PM2_HOME: home, PM2_DISABLE_VERSION_CHECK: 'true', REPORT_SCHEDULE: '* * * * * *' }
    const command = [toolPath(PM2), 'start', 'dist/cron-croner.js', '-i', '2', '--name', 'app']
    const program = await startIn(t, command, { store: await createMasterListStore(t), env })
    const count = (pattern) => program.output.match(pattern)?.length ?? 0
    await eventually(() => count(/engine started/g) === 2, { what: 'both processes' })
    await eventually(() => count(/The report is sent/g) >= 6, { what: 'six reports' })
    const refusals = count(/No report from here: not owner/g)
    assert.ok(refusals >= 3, program.output)
    assert.doesNotMatch(program.output, /several processes use the URL/)
    await withTimeout(program.stop('SIGINT'), { within: ENDS_WITHIN, what: 'its end' })
  })

  test('access-log and tracing: logs and spans contain visitors, not peers', async (t) => {
    const command = ['--require', './tracing.cjs', 'dist/access-log.js']
    const program = await startIn(t, command, { store: await createMasterListStore(t) })
    await program.listening()
    await request(`${program.baseUrl}?visitor`)
    await program.stop('SIGTERM')
    assert.match(program.output, /GET \/\?visitor 200/)
    assert.match(program.output, /"url":"\/\?visitor"/)
    assert.equal(program.output.match(/traceId: /g)?.length, 1, program.output)
    assert.doesNotMatch(program.output, /clustershazbot\/list/)
  })

  test('client-certificates: the routes require one, other paths do not', async (t) => {
    const folder = mkdtempSync(path.join(tmpdir(), 'clustershazbot-tls-'))
    t.after(() => rmSync(folder, { recursive: true, force: true }))
    const files = { 'tls.crt': 'issued.pem', 'tls.key': 'test-only.key.pem', 'ca.crt': 'ca.pem' }
    for (const [name, file] of Object.entries(files)) copyFileSync(fixture(file), path.join(folder, name))
    const command = [path.join(FOLDER, 'dist', 'client-certificates.js')]
    const program = await startProgram(t, command, { store: await createMasterListStore(t), cwd: folder })
    const baseUrl = program.baseUrl.replace('http:', 'https:')
    const get = (page, secure) =>
      request(baseUrl + page, { secure: { rejectUnauthorized: false, ...secure } })
    const visited = await eventually(() => get('').catch(() => undefined), { what: 'a response' })
    assert.deepEqual([visited.status, visited.text], [200, 'Hello'])
    assert.equal((await get('clustershazbot/list')).status, 401)
    assert.equal((await get('clustershazbot/list', certificate('issued'))).status, 200)
    assert.equal((await program.stop('SIGTERM')).code, 0)
  })

  test('fake timers: the test of the recipe passes', async (t) => {
    const store = await createMasterListStore(t)
    const port = await freePort()
    const own = environment(store, { SHAZBOT_BASE_URL: `http://127.0.0.1:${port}/`, PORT: String(port) })
    const options = { cwd: FOLDER, env: { ...cleanEnvironment(), ...own }, timeout: 60_000 }
    const command = ['--test', '--test-reporter=spec', 'dist/fake-timers.test.js']
    const { stdout } = await promisify(execFile)(process.execPath, command, options)
    assert.match(stdout, /pass 1\b/)
  })
})

/**
 * Runs a program of two processes with an ordinary server until both know each other, then stops
 * it.
 */
async function livesBesideAnother(t, command, env) {
  const store = await createMasterListStore(t)
  const program = await startIn(t, command, { store, env })
  await program.listening()
  store.write([entry(program.baseUrl, aWhileAgo())])
  const { app } = await startSubject(t, { store })
  const view = () => app.call('shazbotGetServerList', true)
  await eventually(async () => isOnline(await view(), program.baseUrl), {
    what: 'the other server seeing it',
  })
  await eventually(async () => isOnline(await program.list(), app.baseUrl), {
    what: 'it seeing the other server',
  })
  await eventually(() => program.output.match(/engine started/g)?.length === 2, { what: 'both processes' })
  const end = await withTimeout(program.stop('SIGINT'), { within: ENDS_WITHIN, what: 'its end' })
  await eventually(async () => isOffline(await view(), program.baseUrl), { what: 'the news of its end' })
  return { ...end, output: program.output }
}
