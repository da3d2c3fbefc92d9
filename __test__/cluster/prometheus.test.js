'use strict'

const { describe, test } = require('node:test')
const assert = require('node:assert/strict')
const { fork } = require('node:child_process')
const { once } = require('node:events')
const path = require('node:path')
const { createCable } = require('../support/cable')
const { cleanEnvironment, environment } = require('../support/environment')
const { entry } = require('../support/entries')
const { eventually } = require('../support/eventually')
const { request } = require('../support/http')
const { createMasterListStore } = require('../support/master-list-store')
const { freePort } = require('../support/ports')
const { ALERTS, promtool, startPrometheus, whyNoPrometheus } = require('../support/prometheus')

const PROGRAM = path.join(__dirname, '..', 'support', 'scraped-process.js')
const TESTS_OF_ALERTS = path.join(__dirname, '..', 'fixtures', 'alerts.test.yml')
const READ_SECRET = 'read-secret-of-the-tests'
const SERVERS = 5

/** Without Prometheus the tests do not run, which fails only if `PROMETHEUS_REQUIRED` is set. */
const why = whyNoPrometheus()
const skip = process.env.PROMETHEUS_REQUIRED ? false : why

/** Starts servers, the last of which can be cut off. Resolves with their targets and that cable. */
async function startServers(t) {
  const ports = await Promise.all(Array.from({ length: SERVERS }, () => freePort()))
  const cable = await createCable(t, ports.at(-1))
  const urls = ports.map((port) => `http://127.0.0.1:${port}/`).with(-1, cable.baseUrl)
  const store = await createMasterListStore(t, { servers: urls.map((url) => entry(url)) })
  const start = async (port, index) => {
    const isLast = index === SERVERS - 1
    const child = fork(PROGRAM, [], {
      env: {
        ...cleanEnvironment(),
        ...environment(store, { SHAZBOT_BASE_URL: urls[index], SHAZBOT_PROBE_INTERVAL: '0.3' }),
        SHAZBOT_READ_SECRET: READ_SECRET,
        PORT: String(port),
        ...(isLast && { NODE_USE_ENV_PROXY: '1', HTTP_PROXY: cable.proxy }),
      },
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    })
    t.after(() => child.kill('SIGKILL'))
    await once(child, 'message')
  }
  await Promise.all(ports.map(start))
  return { targets: ports.map((port) => `127.0.0.1:${port}`), cable }
}

describe('Prometheus', { skip, concurrency: 1 }, () => {
  test('promtool accepts the alerts, their tests and the metrics', async (t) => {
    assert.equal(why, undefined)
    for (const args of [
      ['check', 'rules', ALERTS],
      ['test', 'rules', TESTS_OF_ALERTS],
    ]) {
      const { status, output } = promtool(args)
      assert.equal(status, 0, output)
    }
    const { targets } = await startServers(t)
    const { text } = await request(`http://${targets[0]}/clustershazbot/metrics`, {
      headers: { Authorization: READ_SECRET },
    })
    const { status, output } = promtool(['check', 'metrics'], text)
    assert.deepEqual([status, output], [0, ''], 'names, units and helps as they should be')
  })

  test('it scrapes all servers, and alerts when one is cut off', async (t) => {
    assert.equal(why, undefined)
    const { targets, cable } = await startServers(t)
    const prometheus = await startPrometheus(t, [
      { job: 'servers', secret: READ_SECRET, targets },
      { job: 'without-the-secret', secret: 'wrong', targets: targets.slice(0, 1) },
    ])
    const health = async (job) =>
      (await prometheus.targets()).filter(({ labels }) => labels.job === job).map(({ health }) => health)
    await eventually(async () => (await health('servers')).join() === Array(SERVERS).fill('up').join(), {
      what: 'all servers to be scraped',
    })
    await eventually(async () => (await health('without-the-secret')).join() === 'down', {
      what: 'the wrong secret to be rejected',
    })
    await eventually(async () => (await prometheus.firing()).length === 0, { what: 'no alert' })

    cable.cut()
    const began = performance.now()
    const fires = async (name, instance) =>
      (await prometheus.firing()).some(
        ({ labels }) => labels.alertname === name && (!instance || labels.instance === instance),
      )
    const cutOff = targets.at(-1)
    await eventually(() => fires('ClustershazbotIsolated', cutOff), {
      within: 120_000,
      what: 'the alert of the server that was cut off',
    })
    t.diagnostic(`an alert fired ${Math.round(performance.now() - began)} ms after the cut`)
    await eventually(() => fires('ClustershazbotViewsDiffer'), {
      within: 60_000,
      what: 'the alert of views that differ',
    })
    const instances = (await prometheus.firing()).map(({ labels }) => labels.instance)
    assert.ok(instances.every((instance) => instance === undefined || instance === cutOff))

    cable.heal()
    await eventually(async () => (await prometheus.firing()).length === 0, {
      within: 180_000,
      what: 'the end of all alerts',
    })
    t.diagnostic(`none fired ${Math.round(performance.now() - began)} ms after the cut`)
  })
})
