'use strict'

const addon = require('../engine/addon.js')
const { withPublicErrors } = require('../engine/errors.js')
const { extensionText, readControl, readExtension, readGossip } = require('./messages.js')
const { mergeAndShow, showAll } = require('../roster/roster-copy.js')

const authorizeGossip = withPublicErrors(addon.authorizeGossip)
const gossipNative = withPublicErrors(addon.gossipNative)
const authorizeControl = withPublicErrors(addon.authorizeControl)
const control = withPublicErrors(addon.control)
const mayControl = withPublicErrors(addon.mayControl)

/** Answers a gossip message. Without the secret nothing of it is looked at, so that it costs and changes nothing. */
function answerGossip(authorization, body) {
  authorizeGossip(authorization)
  const lists = readGossip(body)
  const v2 = readExtension(body)
  if (v2 !== undefined) {
    const extension = extensionText(v2)
    const answer = extension === undefined ? null : gossipNative(extension)
    // The lists of such a request are for peers of version 1, as those of its answer would be: they are not even looked at.
    if (answer !== null) return { message: 'gossip', online: [], offline: [], v2: JSON.parse(answer) }
  }
  const known = mergeAndShow(lists)
  return known instanceof Promise ? known.then(gossipOf) : gossipOf(known)
}

function gossipOf({ online, offline }) {
  return { message: 'gossip', online, offline }
}

/** The servers known, those offline too where the control secret is given. */
function answerList(authorization) {
  return showAll(mayControl(authorization))
}

/** Does what a control message asks for. */
function obeyControl(authorization, message) {
  authorizeControl(authorization)
  control(readControl(message))
}

module.exports = { answerGossip, answerList, obeyControl, showAll }
