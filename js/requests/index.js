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

  /** Answers `POST /clustershazbot/gossip`; see `index.d.ts`. */
  async function shazbotGossipRequest(authorizationHeader, body) {
    return counting('gossip', authorizationHeader, (header) => answers().answerGossip(header, body))
  }

  /** Answers `GET /clustershazbot/list`; see `index.d.ts`. */
  async function shazbotListRequest(authorizationHeader) {
    return counting('list', authorizationHeader, (header) => answers().answerList(header))
  }

  /** Answers `POST /clustershazbot/control`; see `index.d.ts`. */
  async function shazbotControlRequest(authorizationHeader, message) {
    return counting('control', authorizationHeader, (header) => answers().applyControl(header, message))
  }

  /** Returns the servers known to this one; see `index.d.ts`. */
  function shazbotGetServerList(includeOffline = false) {
    requireRunning()
    return answers().listServers({ includeOffline: Boolean(includeOffline) })
  }

  /** Returns the response of a request, and counts its outcome. */
  function counting(route, authorization, answer) {
    try {
      requireRunning()
      const response = answer(headerText(authorization))
      return response instanceof Promise ? response.then(succeed, fail) : succeed(response)
    } catch (error) {
      return fail(error)
    }

    function succeed(response) {
      // The engine counts the gossip that it accepts.
      if (route !== 'gossip') received().countReceived(route, authorization, 'ok')
      return response
    }

    function fail(error) {
      const reason = rejections().reasonOf(error)
      if (reason) rejections().record(reason, { route, authorization })
      throw error
    }
  }
}

/** A missing or repeated header matches no secret. */
function headerText(authorizationHeader) {
  return typeof authorizationHeader === 'string' ? authorizationHeader : ''
}

module.exports = { answers, received, rejections, createRequests }
