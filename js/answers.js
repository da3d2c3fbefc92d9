'use strict'

const addon = require('./addon.js')
const { withPublicErrors } = require('./errors.js')
const { extensionText, readControl, readExtension, readGossip } = require('./messages.js')
const { mergeAndShow, showAll } = require('./roster.js')

const authorizeGossip = withPublicErrors(addon.authorizeGossip)
const gossipNative = withPublicErrors(addon.gossipNative)
const authorizeControl = withPublicErrors(addon.authorizeControl)
const control = withPublicErrors(addon.control)
const mayControl = withPublicErrors(addon.mayControl)

/** Answers a gossip message. */
function answerGossip(authorization, body) {
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
