'use strict'

const { hookIn, hookInNowOrLater } = require('./happy-server.js')
const lifecycle = require('./engine/lifecycle.js')

hookInNowOrLater()

/** Starts the engine; see `index.d.ts`. */
async function shazbotStart() {
  hookIn()
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

let requestsModule

/** Loaded by the first request, which keeps loading the package fast. */
function requests() {
  requestsModule ??= require('./requests/index.js')
  return requestsModule
}

module.exports = {
  shazbotStart,
  shazbotShutDown,
  shazbotGossipRequest,
  shazbotListRequest,
  shazbotControlRequest,
  shazbotGetServerList,
}
