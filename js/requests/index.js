'use strict'

const { requireRunning } = require('../engine/lifecycle.js')

let answersModule

/** Loaded by the first request, which keeps loading the package fast. */
function answers() {
  answersModule ??= require('./answers.js')
  return answersModule
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
  answers().applyControl(headerText(authorizationHeader), message)
}

/** Returns the servers known to this one; see `index.d.ts`. */
function shazbotGetServerList(includeOffline = false) {
  requireRunning()
  return answers().listServers({ includeOffline: Boolean(includeOffline) })
}

/** A missing or repeated header matches no secret. */
function headerText(authorizationHeader) {
  return typeof authorizationHeader === 'string' ? authorizationHeader : ''
}

module.exports = { shazbotGossipRequest, shazbotListRequest, shazbotControlRequest, shazbotGetServerList }
