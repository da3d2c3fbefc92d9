'use strict'

const { fork } = require('node:child_process')
const path = require('node:path')
const { cleanEnvironment, environment } = require('./environment')
const { eventually } = require('./eventually')
const { freePort } = require('./ports')
const { SUBJECT } = require('./subject')

const PROGRAM = path.join(__dirname, '..', 'fixtures', 'siblings.js')
const STARTED_WITHIN = 60_000

/**
 * Starts two processes behind one port, with Node's `cluster`. Each has an engine of its own.
 *
 * @param {import('node:test').TestContext} t the processes are ended when this test ends
 * @param {{url: string}} store the master-list store
 * @param {Record<string, string>} env variables of both
 */
async function startSiblings(t, store, env) {
  const port = await freePort()
  const baseUrl = `http://127.0.0.1:${port}/`
  const child = fork(PROGRAM, [], {
    env: {
      ...cleanEnvironment(),
      ...environment(store, { ...env, SHAZBOT_BASE_URL: baseUrl }),
      APP_SETTINGS: JSON.stringify({ modulePath: SUBJECT, port }),
    },
    serialization: 'advanced',
    stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
  })
  t.after(() => child.connected && child.disconnect())
  let id = 0
  const processes = [0, 1].map((to) => ({
    baseUrl,
    isReady: false,
    hasEnded: false,
    /** Its changes since `watch`, as those of app.js. */
    changes: [],
    leave: () => child.send({ to, id: ++id, kind: 'leave' }),
    watch: (every) => child.send({ to, id: ++id, kind: 'watch', every }),
  }))
  child.on('message', ({ from, kind, ...message }) => {
    if (kind === 'ready') processes[from].isReady = true
    if (kind === 'exit') processes[from].hasEnded = true
    if (kind === 'change') processes[from].changes.push(message)
  })
  await eventually(() => processes.every(({ isReady }) => isReady), {
    within: STARTED_WITHIN,
    what: 'two processes have started',
  })
  return { baseUrl, processes }
}

module.exports = { startSiblings }
