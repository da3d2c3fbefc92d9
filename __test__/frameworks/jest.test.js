'use strict'

const { describe, test } = require('node:test')
const assert = require('node:assert/strict')
const { spawn } = require('node:child_process')
const path = require('node:path')
const { createFakePeer } = require('../support/fake-peer')
const { createMasterListStore } = require('../support/master-list-store')
const { createScriptedServer } = require('../support/scripted-server')
const { cleanEnvironment, environment } = require('../support/environment')
const { readText } = require('../support/http')
const { SUBJECT } = require('../support/subject')
const { aWhileAgo, isOffline, isOnline } = require('../support/entries')
const { withTimeout } = require('../support/eventually')

const PROJECT = path.join(__dirname, '..', 'fixtures', 'jest')
const JEST = path.join(path.dirname(require.resolve('jest/package.json')), 'bin', 'jest.js')
const ME = 'http://127.0.0.1:9/me/'

/** Runs Jest on spec files of the fixture project; resolves with its exit and its report. */
async function runJest(t, specs, ...options) {
  const peer = await createFakePeer(t)
  const store = await createMasterListStore(t, { servers: [peer.entry(aWhileAgo())] })
  const counter = await createScriptedServer(t, () => ({ body: String(peer.requests.length) }))
  const variables = environment(store, { SHAZBOT_BASE_URL: ME, SHAZBOT_GOSSIP_INTERVAL: '0.2' })
  const child = spawn(process.execPath, [JEST, '--json', ...options, ...specs], {
    cwd: PROJECT,
    env: { ...cleanEnvironment(), ...variables, MODULE: SUBJECT, PEER: `${counter.origin}/` },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  t.after(() => child.kill('SIGKILL'))
  const exited = new Promise((resolve) => child.once('close', (code, signal) => resolve({ code, signal })))
  const [exit, stdout, stderr] = await withTimeout(
    Promise.all([exited, readText(child.stdout), readText(child.stderr)]),
    {
      within: 180_000,
      what: 'the end of Jest',
    },
  )
  const report = stdout.startsWith('{') ? JSON.parse(stdout) : undefined
  return { exit, report, stderr, peer }
}

function assertPassed({ exit, report, stderr }, files) {
  assert.deepEqual(exit, { code: 0, signal: null }, stderr)
  assert.equal(report.success, true, stderr)
  assert.equal(report.numPassedTestSuites, files)
  assert.equal(report.numRuntimeErrorTestSuites, 0)
  assert.ok(report.numPassedTests >= files)
}

describe('Jest', { concurrency: 2, timeout: 600_000 }, () => {
  test('several files in one process, which ends by itself', async (t) => {
    const run = await runJest(t, ['registry', 'environment', 'timers'], '--runInBand')
    assertPassed(run, 3)
    assert.ok(!run.stderr.includes('did not exit'), run.stderr)
    const { json } = run.peer.gossips.at(-1)
    assert.ok(isOffline(json, ME), 'the last message is a farewell')
  })

  test('each load of the events hears the engine', async (t) => {
    const run = await runJest(t, ['events'], '--runInBand', '--detectOpenHandles')
    assertPassed(run, 1)
    assert.doesNotMatch(run.stderr, /open handle/)
  })

  test('loading an adapter opens no handle', async (t) => {
    const run = await runJest(t, ['adapters'], '--runInBand', '--detectOpenHandles')
    assertPassed(run, 1)
    assert.doesNotMatch(run.stderr, /open handle/)
  })

  test('several files in several processes', async (t) => {
    assertPassed(await runJest(t, ['registry', 'environment', 'timers'], '--maxWorkers=2'), 3)
  })

  test('several files in worker threads', async (t) => {
    assertPassed(
      await runJest(t, ['registry', 'environment', 'timers'], '--maxWorkers=2', '--workerThreads'),
      3,
    )
  })

  test('an engine that is left running does not affect the next file, which takes over', async (t) => {
    const run = await runJest(t, ['left-running'], '--runInBand', '--forceExit')
    assertPassed(run, 2)
    const states = run.peer.gossips.map(({ json }) => (isOnline(json, ME) ? 'online' : 'offline'))
    assert.equal(states[0], 'online')
    assert.ok(states.includes('offline'), 'the first engine has left')
    assert.equal(states.at(-1), 'online')
    assert.doesNotMatch(run.stderr, /torn down|TypeError|ReferenceError/)
  })

  test('an engine that is left running does not crash a process or a thread of Jest', async (t) => {
    assertPassed(await runJest(t, ['left-running'], '--maxWorkers=2'), 2)
    assertPassed(await runJest(t, ['left-running'], '--maxWorkers=2', '--workerThreads'), 2)
  })
})
