'use strict'

const { hookIn, hookInNowOrLater } = require('./happy-server.js')
const lifecycle = require('./engine/lifecycle.js')
const requests = require('./requests/index.js')

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

module.exports = {
  shazbotStart,
  shazbotShutDown,
  shazbotGossipRequest: requests.shazbotGossipRequest,
  shazbotListRequest: requests.shazbotListRequest,
  shazbotControlRequest: requests.shazbotControlRequest,
  shazbotGetServerList: requests.shazbotGetServerList,
}
