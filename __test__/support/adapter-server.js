'use strict'

const { fork } = require('node:child_process')
const { once } = require('node:events')
const path = require('node:path')
const { cleanEnvironment, environment } = require('./environment')
const { createMasterListStore } = require('./master-list-store')

const PROGRAM = path.join(__dirname, 'adapter-process.js')

/** The unit of memory measurements. */
const MB = 1024 * 1024

/**
 * Starts a server with one of the adapters in its own process.
 *
 * @param {import('node:test').TestContext} t the process is ended when this test ends
 * @param {string} name the host: one of adapter-hosts.js, or `node:http2`
 * @param {object} [options] the adapter's options
 * @returns {Promise<{ baseUrl: string, port: number, usage: () => Promise<Usage> }>}
 *
 * @typedef {{ current: number, highest: number, sockets: number }} Usage resident memory in MB, its
 *   maximum since the last call, and the number of open sockets
 */
async function startAdapterServer(t, name, options = {}) {
  const store = await createMasterListStore(t)
  // No round comes between an action of the test and its check.
  const variables = environment(store, {
    SHAZBOT_BASE_URL: 'http://127.0.0.1:9/me/',
    SHAZBOT_GOSSIP_INTERVAL: '60',
  })
  const child = fork(PROGRAM, [], {
    env: { ...cleanEnvironment(), ...variables, ADAPTER: JSON.stringify({ name, options }) },
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  })
  t.after(() => child.kill('SIGKILL'))
  const [{ baseUrl }] = await once(child, 'message')
  async function usage() {
    child.send('usage')
    const [{ current, highest, sockets }] = await once(child, 'message')
    return { current: current / MB, highest: highest / MB, sockets }
  }
  return { baseUrl, port: Number(new URL(baseUrl).port), usage }
}

module.exports = { startAdapterServer }
