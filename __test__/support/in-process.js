'use strict'

const { createMasterListStore } = require('./master-list-store')
const { SUBJECT } = require('./subject')
const { CONTROL_SECRET, SECRET, environment } = require('./environment')
const { signMessage } = require('./native')
const signing = require('./signing')

const shazbot = require(SUBJECT)

const BASE_URL = 'http://127.0.0.1:9/me/'

/** Collects the console output of this process until the test ends: `{severity, values}`. */
function captureConsole(t) {
  const lines = []
  for (const severity of ['log', 'warn', 'error']) {
    const own = console[severity]
    console[severity] = (...values) => lines.push({ severity, values })
    t.after(() => {
      console[severity] = own
    })
  }
  return lines
}

// No round comes between an action of the test and its check, even on a slow machine.
const QUIET = { SHAZBOT_GOSSIP_INTERVAL: '60' }

/**
 * Sets the variables of an engine in this process, by default without rounds. Resets them when the
 * test ends, and shuts the engine down. Tests that use it cannot run concurrently.
 *
 * @param {import('node:test').TestContext} t
 * @param {{store?: object, servers?: object[], env?: Record<string, string | undefined>}} [options]
 */
async function prepare(t, { store, servers = [], env = {} } = {}) {
  const masterList = store ?? (await createMasterListStore(t, { servers }))
  const before = { ...process.env }
  Object.assign(process.env, environment(masterList, { SHAZBOT_BASE_URL: BASE_URL, ...QUIET, ...env }))
  for (const [name, value] of Object.entries(env)) if (value === undefined) delete process.env[name]
  t.after(async () => {
    await shazbot.shazbotShutDown()
    for (const name of Object.keys(process.env)) if (!(name in before)) delete process.env[name]
    Object.assign(process.env, before)
  })
  return { store: masterList }
}

/** Like `prepare`, and starts the engine; the console is silent. */
async function start(t, options) {
  const prepared = await prepare(t, options)
  const lines = captureConsole(t)
  await shazbot.shazbotStart()
  return { ...prepared, lines }
}

/** Sends a gossip request with these lists. */
const gossip = (lists, secret = SECRET) =>
  shazbot.shazbotGossipRequest(secret, { message: 'gossip', ...lists })

/** Challenges the engine; resolves with what its proof says. */
async function challenge() {
  const { nonce, header } = signing.challenge()
  const { proof } = await shazbot.shazbotListRequest(header)
  return signing.readProof(proof, nonce, SECRET)
}

/**
 * Sends a signed gossip request with this extension and other keys; resolves with the response,
 * whose extension is decoded.
 */
async function gossipNative(message) {
  const { header, message: signed, open } = signMessage(message, await challenge())
  const response = await shazbot.shazbotGossipRequest(header, signed)
  return { ...response, v2: open(response.v2) }
}

/** Takes the engine's server offline by a control request. */
const drain = () => shazbot.shazbotControlRequest(CONTROL_SECRET, { message: 'control', online: false })

/** Brings it back online by a control request. */
const bringBack = () => shazbot.shazbotControlRequest(CONTROL_SECRET, { message: 'control', online: true })

module.exports = {
  shazbot,
  BASE_URL,
  captureConsole,
  prepare,
  start,
  gossip,
  challenge,
  gossipNative,
  drain,
  bringBack,
}
