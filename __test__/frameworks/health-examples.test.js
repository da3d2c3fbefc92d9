'use strict'

const assert = require('node:assert/strict')
const { spawn } = require('node:child_process')
const { once } = require('node:events')
const { readFileSync } = require('node:fs')
const path = require('node:path')
const { before, describe, test } = require('node:test')
const { parse } = require('yaml')
const { tsc } = require('../apps/support/build')
const { runPairScenario } = require('../apps/support/pair-scenario')
const { startProgram } = require('../apps/support/program')
const { aWhileAgo, entry, isOffline, isOnline } = require('../support/entries')
const { CONTROL_SECRET, cleanEnvironment } = require('../support/environment')
const { eventually, withTimeout } = require('../support/eventually')
const { request } = require('../support/http')
const { createMasterListStore } = require('../support/master-list-store')
const { freePort } = require('../support/ports')
const { startSubject } = require('../support/subject')

const FOLDER = path.join(__dirname, '..', '..', 'examples', 'health')
/** Long enough for the news to arrive, and for all checks during the wait. */
const DRAIN_MS = 5_000
/** The longest leave of an engine, which also updates the master list, in seconds. */
const LEAVE_S = 15
const ENDS_WITHIN = 60_000

const endsItself = ({ code }) => code === 0
const endsBySignal = (end, signal) => end.signal === signal

/** The programs that drain themselves, how each exits, and its probes. */
const PROGRAMS = [
  { name: 'terminus', exits: endsBySignal, ready: 'healthz/ready', live: 'healthz/live' },
  { name: 'lightship', exits: endsItself, ready: 'ready' },
  { name: 'fastify', exits: endsItself, ready: 'clustershazbot/ready', live: 'clustershazbot/live' },
  { name: 'nestjs', exits: endsBySignal, ready: 'healthz/ready' },
]

const startIn = (t, command, { env, ...options }) =>
  startProgram(t, command, { cwd: FOLDER, env: { DRAIN_MS: '100', ...env }, ...options })

/** The status of a response; undefined if there is none. */
const statusOf = (url) =>
  request(url).then(
    ({ status }) => status,
    () => undefined,
  )

/** Starts a program beside an ordinary server; resolves when each knows the other. */
async function startPair(t, command, env) {
  const store = await createMasterListStore(t)
  const program = await startIn(t, command, { store, env })
  await program.listening()
  store.write([entry(program.baseUrl, aWhileAgo())])
  const { app } = await startSubject(t, { store })
  const view = () => app.call('shazbotGetServerList', true)
  await eventually(
    async () => isOnline(await view(), program.baseUrl) && isOnline(await program.list(), app.baseUrl),
    { what: 'both seeing each other' },
  )
  return { program, view }
}

/** Waits until others see the program offline, while it still answers. */
async function isDrained({ program, view }, { ready, live, visit = program.baseUrl }) {
  await eventually(async () => isOffline(await view(), program.baseUrl), { what: 'the news of the drain' })
  assert.ok([500, 503].includes(await statusOf(ready)), 'a drained server is not ready')
  if (live) assert.equal(await statusOf(live), 200, 'a drained server is alive')
  const visitor = await request(visit)
  assert.deepEqual([visitor.status, visitor.text], [200, 'Hello'])
  assert.doesNotMatch(program.output, /engine shut down/)
}

describe('examples/health', { concurrency: true }, () => {
  before(() => tsc('--project', FOLDER))

  for (const { name, exits, ready, live } of PROGRAMS) {
    const command = [`dist/${name}.js`]

    test(`${name}: two servers run through their life cycle`, async (t) => {
      await runPairScenario(t, (t, options) => startIn(t, command, options), { unauthorized: 401, exits })
    })

    test(`${name} drains, waits, shuts down and closes`, async (t) => {
      const port = await freePort()
      // Elsewhere, Lightship listens on an unknown port.
      const lightship = { LIGHTSHIP_PORT: String(port), KUBERNETES_SERVICE_HOST: '127.0.0.1' }
      const pair = await startPair(t, command, { DRAIN_MS: String(DRAIN_MS), ...lightship })
      const { program } = pair
      const probes = name === 'lightship' ? `http://127.0.0.1:${port}/` : program.baseUrl
      const urls = { ready: probes + ready, live: live && probes + live }
      await eventually(async () => (await statusOf(urls.ready)) === 200, { what: 'readiness' })
      await program.drain()
      assert.ok([500, 503].includes(await statusOf(urls.ready)), 'a control message makes it unready')
      await program.bringBack()
      assert.equal(await statusOf(urls.ready), 200)
      const isBack = async () => isOnline(await pair.view(), program.baseUrl)
      await eventually(isBack, { what: 'the news of its return' })

      const began = performance.now()
      const stopped = program.stop('SIGTERM')
      await isDrained(pair, urls)
      const end = await withTimeout(stopped, { within: ENDS_WITHIN, what: 'its end' })
      assert.ok(exits(end, 'SIGTERM'), `${JSON.stringify(end)}\n${program.output}`)
      assert.ok(performance.now() - began >= DRAIN_MS, 'it waits after the drain')
      assert.match(program.output, /engine shut down/)
    })
  }

  test('Kubernetes: a pod is probed, drained by preStop, and leaves on SIGTERM', async (t) => {
    const { spec } = parse(readFileSync(path.join(FOLDER, 'kubernetes.yaml'), 'utf8')).spec.template
    const [{ command, ports, env, readinessProbe, livenessProbe, lifecycle }] = spec.containers
    const { value: drainMs } = env.find(({ name }) => name === 'DRAIN_MS')
    assert.ok(spec.terminationGracePeriodSeconds > Number(drainMs) / 1_000 + LEAVE_S)
    for (const { httpGet } of [readinessProbe, livenessProbe]) assert.equal(httpGet.port, ports[0].name)

    const [node, ...program_] = command
    const pair = await startPair(t, program_)
    const { program } = pair
    const urlOf = ({ httpGet }) => new URL(httpGet.path, program.baseUrl).href
    const urls = { ready: urlOf(readinessProbe), live: urlOf(livenessProbe) }
    assert.deepEqual([await statusOf(urls.ready), await statusOf(urls.live)], [200, 200])

    const [node_, ...preStop] = lifecycle.preStop.exec.command
    assert.deepEqual([node, node_], ['node', 'node'])
    const own = {
      PORT: new URL(program.baseUrl).port,
      DRAIN_MS: String(DRAIN_MS),
      SHAZBOT_CONTROL_SECRET: CONTROL_SECRET,
    }
    const hook = spawn(process.execPath, preStop, { cwd: FOLDER, env: { ...cleanEnvironment(), ...own } })
    const ended = once(hook, 'close')
    await isDrained(pair, urls)
    assert.equal(hook.exitCode, null, 'preStop waits after the drain')
    assert.equal((await ended)[0], 0)
    const end = await withTimeout(program.stop('SIGTERM'), { within: ENDS_WITHIN, what: 'its end' })
    assert.equal(end.code, 0, program.output)
    assert.match(program.output, /engine shut down/)
  })

  test('Kubernetes: preStop waits although the drain fails', async () => {
    const port = await freePort()
    const own = { PORT: String(port), DRAIN_MS: '200', SHAZBOT_CONTROL_SECRET: CONTROL_SECRET }
    const began = performance.now()
    const hook = spawn(process.execPath, ['pre-stop.mjs'], {
      cwd: FOLDER,
      env: { ...cleanEnvironment(), ...own },
    })
    let output = ''
    hook.stderr.setEncoding('utf8').on('data', (text) => {
      output += text
    })
    assert.equal((await once(hook, 'close'))[0], 0)
    assert.match(output, /ECONNREFUSED/)
    assert.ok(!output.includes(CONTROL_SECRET))
    assert.ok(performance.now() - began >= 200)
  })
})
