'use strict'

let answersModule
let receivedModule
let rejectionsModule

/** Loaded by the first request, which keeps loading the package fast. */
function answers() {
  answersModule ??= require('./answers.js')
  return answersModule
}

/** Loaded by the first request other than gossip. */
function received() {
  receivedModule ??= require('./received.js')
  return receivedModule
}

/** Loaded by the first rejected request. */
function rejections() {
  rejectionsModule ??= require('./rejections.js')
  return rejectionsModule
}

/**
 * Returns the public functions that answer requests.
 *
 * @param {() => void} requireRunning throws unless the engine answers requests. A parameter, because
 *   a test runner may give a module that is loaded late another copy of the life cycle.
 */
function createRequests(requireRunning) {
  return { shazbotGossipRequest, shazbotListRequest, shazbotControlRequest, shazbotGetServerList }

  /** Answers `POST /clustershazbot/gossip`; see `index.d.ts`. The engine counts what it accepts. */
  async function shazbotGossipRequest(authorizationHeader, body) {
    try {
      requireRunning()
      const response = answers().answerGossip(headerText(authorizationHeader), body)
      // Waiting for a value would take another turn.
      return response instanceof Promise ? await response : response
    } catch (error) {
      throw recorded(error, 'gossip', authorizationHeader)
    }
  }

  /** Answers `GET /clustershazbot/list`; see `index.d.ts`. */
  async function shazbotListRequest(authorizationHeader) {
    try {
      requireRunning()
      const response = await answers().answerList(headerText(authorizationHeader))
      received().countReceived('list', authorizationHeader, 'ok')
      return response
    } catch (error) {
      throw recorded(error, 'list', authorizationHeader)
    }
  }

  /** Answers `POST /clustershazbot/control`; see `index.d.ts`. */
  async function shazbotControlRequest(authorizationHeader, message) {
    try {
      requireRunning()
      answers().applyControl(headerText(authorizationHeader), message)
      received().countReceived('control', authorizationHeader, 'ok')
    } catch (error) {
      throw recorded(error, 'control', authorizationHeader)
    }
  }

  /** Returns the servers known to this one; see `index.d.ts`. */
  function shazbotGetServerList(includeOffline = false) {
    requireRunning()
    return answers().listServers({ includeOffline: Boolean(includeOffline) })
  }
}

/** Counts a rejected request, and returns its error. */
function recorded(error, route, authorization) {
  const reason = rejections().reasonOf(error)
  if (reason) rejections().record(reason, { route, authorization })
  return error
}

/** A missing or repeated header matches no secret. */
function headerText(authorizationHeader) {
  return typeof authorizationHeader === 'string' ? authorizationHeader : ''
}

module.exports = { answers, received, rejections, createRequests }
