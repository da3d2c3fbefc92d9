'use strict'

const addon = require('./addon.js')
const { withPublicErrors } = require('./errors.js')
const { requireRunning } = require('./lifecycle.js')
const { extensionText, readControl, readExtension, readGossip } = require('./messages.js')
const { mergeAndShow, showAll } = require('./roster.js')

const authorizeGossip = withPublicErrors(addon.authorizeGossip)
const gossipNative = withPublicErrors(addon.gossipNative)
const authorizeControl = withPublicErrors(addon.authorizeControl)
const control = withPublicErrors(addon.control)
const mayControl = withPublicErrors(addon.mayControl)

/** Answers `POST /clustershazbot/gossip`; see `index.d.ts`. */
async function shazbotGossipRequest(authorizationHeader, body) {
  requireRunning()
  const authorization = headerText(authorizationHeader)
  const { online, offline } = readAuthorized(authorization, body)
  const v2 = readExtension(body)
  if (v2 !== undefined) {
    authorizeGossip(authorization)
    const extension = extensionText(v2)
    const answer = extension === undefined ? null : gossipNative(extension)
    // The lists of such a request are for peers of version 1, as those of its answer would be: they are not even looked at.
    if (answer !== null) return { message: 'gossip', online: [], offline: [], v2: JSON.parse(answer) }
  }
  const known = mergeAndShow(authorization, online, offline)
  return { message: 'gossip', online: known.online, offline: known.offline }
}

/** The lists of a message. What is wrong with it is told to those alone who may gossip; to merge it asks for the secret again. */
function readAuthorized(authorization, body) {
  try {
    return readGossip(body)
  } catch (error) {
    authorizeGossip(authorization)
    throw error
  }
}

/** Answers `GET /clustershazbot/list`; see `index.d.ts`. */
async function shazbotListRequest(authorizationHeader) {
  requireRunning()
  return showAll(mayControl(headerText(authorizationHeader)))
}

/** Answers `POST /clustershazbot/control`; see `index.d.ts`. */
async function shazbotControlRequest(authorizationHeader, message) {
  requireRunning()
  authorizeControl(headerText(authorizationHeader))
  control(readControl(message))
}

/** The servers known to this one; see `index.d.ts`. */
function shazbotGetServerList(includeOffline = false) {
  requireRunning()
  return showAll(Boolean(includeOffline))
}

/** A header that is missing or was sent twice matches no secret. */
function headerText(authorizationHeader) {
  return typeof authorizationHeader === 'string' ? authorizationHeader : ''
}

module.exports = { shazbotGossipRequest, shazbotListRequest, shazbotControlRequest, shazbotGetServerList }
