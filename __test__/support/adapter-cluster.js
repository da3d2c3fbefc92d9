'use strict'

const { spawn } = require('node:child_process')
const path = require('node:path')
const { aWhileAgo, entry } = require('./entries')
const { cleanEnvironment, environment } = require('./environment')
const { eventually } = require('./eventually')
const { getList } = require('./http')
const { createMasterListStore } = require('./master-list-store')
const { freePort } = require('./ports')

const PROGRAM = path.join(__dirname, '..', 'fixtures', 'adapter-server.js')

/**
 * Starts servers with an adapter, each in its own process; resolves when all see all.
 *
 * @param {import('node:test').TestContext} t the processes are ended when this test ends
 * @param {number} count
 * @param {{ options?: object, env?: Record<string, string> }} [settings] options of the adapter
 */
async function startAdapterCluster(t, count, { options = {}, env = {} } = {}) {
  const ports = []
  while (ports.length < count) ports.push(await freePort())
  const urls = ports.map((port) => `http://127.0.0.1:${port}/`)
  const store = await createMasterListStore(t, { servers: urls.map((url) => entry(url, aWhileAgo())) })
  const servers = urls.map((baseUrl) => startServer(t, baseUrl, { store, options, env }))
  await eventually(
    async () => (await Promise.all(servers.map((server) => server.sees(count)))).every(Boolean),
    {
      what: 'all see each other',
    },
  )
  return servers
}

function startServer(t, baseUrl, { store, options, env }) {
  const variables = environment(store, { SHAZBOT_BASE_URL: baseUrl, SHAZBOT_LOG: 'silent', ...env })
  const start = () => {
    const child = spawn(process.execPath, [PROGRAM], {
      env: { ...cleanEnvironment(), ...variables, ADAPTER: JSON.stringify(options) },
      stdio: ['ignore', 'ignore', 'inherit'],
    })
    const exited = new Promise((resolve) => child.once('exit', resolve))
    return { child, exited }
  }
  let running = start()
  const end = (signal) => {
    running.child.kill(signal)
    return running.exited
  }
  t.after(() => end('SIGKILL'))
  return {
    baseUrl,
    variables,
    kill: () => end('SIGKILL'),
    leave: () => end('SIGTERM'),
    startAgain() {
      running = start()
    },
    /** Whether it lists this many servers as online. */
    async sees(count) {
      const answer = await getList(baseUrl).catch(() => undefined)
      return answer?.json?.online?.length === count
    },
  }
}

module.exports = { startAdapterCluster }
