'use strict'

const addon = require('../../../engine/addon.js')
const { requireRunning } = require('../../../engine/lifecycle.js')
const { answers } = require('../../../requests/index.js')
const { gossipRaw, listRaw } = require('../raw/raw.js')
const { HttpError, jsonResponse } = require('../http/http-error.js')
const { parseJson } = require('../bodies/parse-json.js')
const { senderOf } = require('../raw/sender.js')

/**
 * The message that replaces a body that is not read: it changes nothing and is answered like any
 * other.
 */
const EMPTY_MESSAGE = Buffer.from('{"online":[]}')

/**
 * The three routes of the cluster itself. A body is `{ parts }`, the `{ value }` from a body parser,
 * or neither if it was not read.
 *
 * @type {import('./index.js').Route[]}
 */
const ROUTES = [
  {
    path: '/gossip',
    methods: ['POST'],
    authorize: addon.authorizeGossip,
    senderOf,
    respond: answerGossip,
  },
  { path: '/list', methods: ['GET', 'HEAD'], respond: answerList },
  { path: '/control', methods: ['POST'], authorize: addon.authorizeControl, respond: answerControl },
]

async function answerGossip(authorization, { parts, value }, ticket) {
  requireRunning()
  if (parts) return { ...(await gossipRaw(authorization, parts, ticket)), isForPeer: true }
  if (value === undefined) return answerUnread(authorization)
  return jsonResponse(await answers().answerGossip(authorization, value))
}

/** A peer would take an error for a death. It will send the unread news again. */
async function answerUnread(authorization) {
  const signed = addon.answerUnread(authorization)
  const answer = signed ? { status: 200, parts: [signed] } : await gossipRaw(authorization, [EMPTY_MESSAGE])
  return { ...answer, isForPeer: true, drains: true }
}

async function answerList(authorization) {
  const answer = await answers().listForChallenge(authorization)
  return answer === null ? listRaw(authorization) : { status: 200, parts: [Buffer.from(answer)] }
}

async function answerControl(authorization, { parts, value }) {
  if (!parts && value === undefined) throw new HttpError(408, 'Timed out waiting for memory for the body')
  requireRunning()
  answers().applyControl(authorization, parts ? parseJson('control', parts) : value)
  return jsonResponse({ success: true })
}

module.exports = { ROUTES }
