'use strict'

const { fork } = require('node:child_process')
const { once } = require('node:events')
const path = require('node:path')
const { entry } = require('./entries')
const { cleanEnvironment, environment } = require('./environment')
const { createMasterListStore } = require('./master-list-store')
const { freePort } = require('./ports')

const PROGRAM = path.join(__dirname, 'dashboard-process.js')
const READ_SECRET = 'read-secret-of-tests'

/** Fast, so that tests need not wait, but not so fast that a busy machine suspects the living. */
const FAST = { SHAZBOT_GOSSIP_INTERVAL: '1', SHAZBOT_PROBE_INTERVAL: '0.5', SHAZBOT_LOG: 'silent' }

/** A server with the dashboard in its own process, which a test can kill and start again. */
class DashboardServer {
  #env
  #child

  constructor(port, { host = '127.0.0.1', store, env, ...settings }) {
    this.baseUrl = `http://${host}:${port}/`
    this.page = `${this.baseUrl}clustershazbot/dashboard`
    const variables = { SHAZBOT_BASE_URL: this.baseUrl, SHAZBOT_READ_SECRET: READ_SECRET, ...FAST, ...env }
    const DASHBOARD = JSON.stringify({ host, port, ...settings })
    this.#env = { ...cleanEnvironment(), ...environment(store, variables), DASHBOARD }
  }

  async start() {
    this.#child = fork(PROGRAM, [], { env: this.#env, stdio: ['ignore', 'ignore', 'inherit', 'ipc'] })
    await once(this.#child, 'message')
  }

  /** Ends it as a crash does. */
  kill() {
    this.#child.kill('SIGKILL')
  }

  /** Makes it silent, until `resume`. */
  suspend() {
    this.#child.kill('SIGSTOP')
  }

  resume() {
    this.#child.kill('SIGCONT')
  }

  /** Shuts it down, which tells the others. */
  async leave() {
    this.#child.send('leave')
    await once(this.#child, 'exit')
  }
}

/**
 * Starts servers that know each other from the master list.
 *
 * @param {import('node:test').TestContext} t
 * @param {number} count
 * @param {{ env?: object, envOfFirst?: (baseUrls: string[]) => object, options?: object,
 *   cookie?: string, servers?: object[] }} [settings] variables, those of the first server, options
 *   of the routes, a cookie that replaces the read secret, and more entries of the master list
 */
async function startDashboards(t, count, { servers = [], env, envOfFirst, ...settings } = {}) {
  const ports = []
  while (ports.length < count) ports.push(await freePort())
  const baseUrls = ports.map((port) => `http://127.0.0.1:${port}/`)
  const others = baseUrls.map((baseUrl) => entry(baseUrl))
  const store = await createMasterListStore(t, { servers: [...others, ...servers] })
  const cluster = ports.map((port, index) => {
    const own = index === 0 ? envOfFirst?.(baseUrls) : undefined
    return new DashboardServer(port, { store, env: { ...env, ...own }, ...settings })
  })
  t.after(() => {
    for (const server of cluster) server.kill()
  })
  await Promise.all(cluster.map((server) => server.start()))
  return cluster
}

module.exports = { DashboardServer, READ_SECRET, startDashboards }
