'use strict'

const lifecycle = require('./engine/lifecycle.js')

/** Answer requests. Loaded by the first one, which keeps loading the package fast. */
let requestFunctions

/** How long a happy-server that is loaded later may take to create its extension point, in ms. */
const HAPPY_SERVER_RETRY_MS = 3000

hookInNowOrLater()

/** Starts the engine; see `index.d.ts`. */
async function shazbotStart() {
  happyServer()?.hookIn(shazbotGetServerList)
  return lifecycle.start()
}

/** Takes this server offline and ends the engine; see `index.d.ts`. */
async function shazbotShutDown() {
  return lifecycle.shutDown()
}

/** Answers `POST /clustershazbot/gossip`; see `index.d.ts`. */
function shazbotGossipRequest(authorizationHeader, body) {
  return requests().shazbotGossipRequest(authorizationHeader, body)
}

/** Answers `GET /clustershazbot/list`; see `index.d.ts`. */
function shazbotListRequest(authorizationHeader) {
  return requests().shazbotListRequest(authorizationHeader)
}

/** Answers `POST /clustershazbot/control`; see `index.d.ts`. */
function shazbotControlRequest(authorizationHeader, message) {
  return requests().shazbotControlRequest(authorizationHeader, message)
}

/** Returns the servers known to this one; see `index.d.ts`. */
function shazbotGetServerList(includeOffline = false) {
  return requests().shazbotGetServerList(includeOffline)
}

function requests() {
  requestFunctions ??= require('./requests/index.js').createRequests(lifecycle.requireRunning)
  return requestFunctions
}

/**
 * Hooks in now, or once more later if happy-server does not exist yet. The timer does not keep the
 * process alive. In a browser-like test environment it is a number.
 */
function hookInNowOrLater() {
  const hookIn = () => happyServer()?.hookInAtLoad(shazbotGetServerList)
  if (!hookIn()) setTimeout(hookIn, HAPPY_SERVER_RETRY_MS).unref?.()
}

/** Loaded only beside a happy-server, which keeps loading the package fast. */
function happyServer() {
  return globalThis.happyServerExtension ? require('./happy-server.js') : undefined
}

module.exports = {
  shazbotStart,
  shazbotShutDown,
  shazbotGossipRequest,
  shazbotListRequest,
  shazbotControlRequest,
  shazbotGetServerList,
}
