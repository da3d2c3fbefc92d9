'use strict'

const addon = require('../engine/addon.js')
const { withPublicErrors } = require('../engine/errors.js')
const {
  extensionText,
  readControl,
  readExtension,
  readGossip,
  readNonce,
  readPayload,
} = require('./messages.js')
const { mergeAndList, listServers } = require('../roster/roster-copy.js')

const authorizeGossip = withPublicErrors(addon.authorizeGossip)
const gossipNative = withPublicErrors(addon.gossipNative)
const gossipSigned = withPublicErrors(addon.gossipSigned)
const keysReady = withPublicErrors(addon.keysReady)
const answerChallenge = withPublicErrors(addon.answerChallenge)
const prove = withPublicErrors(addon.prove)
const authorizeControl = withPublicErrors(addon.authorizeControl)
const acceptControl = withPublicErrors(addon.acceptControl)
const control = withPublicErrors(addon.control)
const authorizeList = withPublicErrors(addon.authorizeList)

/** How the header of a challenge begins. */
const CHALLENGE = 'Shazbot-Challenge '

/**
 * Answers a gossip message. A message without the secret is not read, so it costs and changes
 * nothing.
 */
function answerGossip(authorization, body) {
  const isSigned = authorizeGossip(authorization)
  const lists = readGossip(body)
  const v2 = readExtension(body)
  if (isSigned) {
    const answer = gossipSigned(authorization, typeof v2 === 'string' ? v2 : '')
    return { message: 'gossip', online: [], offline: [], v2: answer }
  }
  const extension = v2 === undefined ? undefined : extensionText(v2)
  if (extension === undefined) return toMessage(mergeAndList(lists))
  const answer = gossipNative(extension)
  // Lists beside `v2` are meant for version 1 peers. They are ignored here, and empty in the
  // response.
  const proof = proofFor(v2)
  if (answer !== null) {
    const extension = { ...(proof && { proof }), ...JSON.parse(answer) }
    return { message: 'gossip', online: [], offline: [], v2: extension }
  }
  return toMessage(mergeAndList(lists), proof)
}

/** Returns the proof that the nonce in a `v2` field asks for; undefined without a nonce. */
function proofFor(v2) {
  const nonce = readNonce(v2)
  return nonce === undefined ? undefined : (prove(nonce) ?? undefined)
}

function toMessage(servers, proof) {
  if (servers instanceof Promise) return servers.then((servers) => toMessage(servers, proof))
  const message = { message: 'gossip', online: servers.online, offline: servers.offline }
  if (proof !== undefined) message.v2 = { proof }
  return message
}

/**
 * Returns the known servers, with the offline ones if the header contains the control secret. A
 * challenge is answered with this server's own entry and the proof.
 */
async function answerList(authorization) {
  const answer = await listForChallenge(authorization)
  if (answer !== null) return JSON.parse(answer)
  return listServers({ includeOffline: authorizeList(authorization) })
}

/** Returns the JSON of a list that answers a challenge; null for any other header. */
async function listForChallenge(authorization) {
  if (!authorization.startsWith(CHALLENGE)) return null
  await keysReady()
  return answerChallenge(authorization)
}

/** Carries out a control message, which may be signed. */
function applyControl(authorization, message) {
  const isSigned = authorizeControl(authorization)
  control(readControl(isSigned ? acceptSigned(authorization, message) : message))
}

/** Returns the message in the payload of a signed control request. */
function acceptSigned(authorization, message) {
  const v2 = readExtension(message)
  const payload = typeof v2 === 'string' ? v2 : ''
  acceptControl(authorization, payload)
  return readPayload('control', payload)
}

module.exports = { answerGossip, answerList, listForChallenge, applyControl, listServers }
