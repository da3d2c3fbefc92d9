'use strict'

const addon = require('../engine/addon.js')
const { withPublicErrors } = require('../engine/errors.js')
const { extensionText, readControl, readExtension, readGossip } = require('./messages.js')
const { mergeAndList, listServers } = require('../roster/roster-copy.js')

const authorizeGossip = withPublicErrors(addon.authorizeGossip)
const gossipNative = withPublicErrors(addon.gossipNative)
const authorizeControl = withPublicErrors(addon.authorizeControl)
const control = withPublicErrors(addon.control)
const mayControl = withPublicErrors(addon.mayControl)

/**
 * Answers a gossip message. A message without the secret is not read, so it costs and changes
 * nothing.
 */
function answerGossip(authorization, body) {
  authorizeGossip(authorization)
  const lists = readGossip(body)
  const v2 = readExtension(body)
  if (v2 !== undefined) {
    const extension = extensionText(v2)
    const answer = extension === undefined ? null : gossipNative(extension)
    // Lists beside `v2` are meant for version 1 peers. They are ignored here, and empty in the
    // response.
    if (answer !== null) return { message: 'gossip', online: [], offline: [], v2: JSON.parse(answer) }
  }
  const servers = mergeAndList(lists)
  return servers instanceof Promise ? servers.then(toMessage) : toMessage(servers)
}

function toMessage({ online, offline }) {
  return { message: 'gossip', online, offline }
}

/** Returns the known servers, with the offline ones if the header contains the control secret. */
function answerList(authorization) {
  return listServers({ includeOffline: mayControl(authorization) })
}

/** Carries out a control message. */
function applyControl(authorization, message) {
  authorizeControl(authorization)
  control(readControl(message))
}

module.exports = { answerGossip, answerList, applyControl, listServers }
