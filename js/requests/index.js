'use strict'

const { requireRunning } = require('../engine/lifecycle.js')

let loaded

/** Loaded with the first request, so that loading the package does not take as long. */
function answers() {
  loaded ??= require('./answers.js')
  return loaded
}

/** Answers `POST /clustershazbot/gossip`; see `index.d.ts`. */
async function shazbotGossipRequest(authorizationHeader, body) {
  requireRunning()
  return answers().answerGossip(headerText(authorizationHeader), body)
}

/** Answers `GET /clustershazbot/list`; see `index.d.ts`. */
async function shazbotListRequest(authorizationHeader) {
  requireRunning()
  return answers().answerList(headerText(authorizationHeader))
}

/** Answers `POST /clustershazbot/control`; see `index.d.ts`. */
async function shazbotControlRequest(authorizationHeader, message) {
  requireRunning()
  answers().obeyControl(headerText(authorizationHeader), message)
}

/** The servers known to this one; see `index.d.ts`. */
function shazbotGetServerList(includeOffline = false) {
  requireRunning()
  return answers().showAll(Boolean(includeOffline))
}

/** A header that is missing or was sent twice matches no secret. */
function headerText(authorizationHeader) {
  return typeof authorizationHeader === 'string' ? authorizationHeader : ''
}

module.exports = { shazbotGossipRequest, shazbotListRequest, shazbotControlRequest, shazbotGetServerList }
