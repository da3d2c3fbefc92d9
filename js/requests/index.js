'use strict'

const { requireRunning } = require('../engine/lifecycle.js')

let answersModule
let rejectionsModule

/** Loaded by the first request, which keeps loading the package fast. */
function answers() {
  answersModule ??= require('./answers.js')
  return answersModule
}

/** Loaded by the first rejected request. */
function rejections() {
  rejectionsModule ??= require('./rejections.js')
  return rejectionsModule
}

/** Answers `POST /clustershazbot/gossip`; see `index.d.ts`. */
async function shazbotGossipRequest(authorizationHeader, body) {
  return counting('gossip', () => answers().answerGossip(headerText(authorizationHeader), body))
}

/** Answers `GET /clustershazbot/list`; see `index.d.ts`. */
async function shazbotListRequest(authorizationHeader) {
  return counting('list', () => answers().answerList(headerText(authorizationHeader)))
}

/** Answers `POST /clustershazbot/control`; see `index.d.ts`. */
async function shazbotControlRequest(authorizationHeader, message) {
  return counting('control', () => answers().applyControl(headerText(authorizationHeader), message))
}

/** Returns the servers known to this one; see `index.d.ts`. */
function shazbotGetServerList(includeOffline = false) {
  requireRunning()
  return answers().listServers({ includeOffline: Boolean(includeOffline) })
}

/** Returns the response of a request, or counts its rejection. */
function counting(route, answer) {
  try {
    requireRunning()
    const response = answer()
    return response instanceof Promise ? response.catch(fail) : response
  } catch (error) {
    return fail(error)
  }

  function fail(error) {
    const reason = rejections().reasonOf(error)
    if (reason) rejections().record(reason, { route })
    throw error
  }
}

/** A missing or repeated header matches no secret. */
function headerText(authorizationHeader) {
  return typeof authorizationHeader === 'string' ? authorizationHeader : ''
}

module.exports = {
  answers,
  rejections,
  shazbotGossipRequest,
  shazbotListRequest,
  shazbotControlRequest,
  shazbotGetServerList,
}
