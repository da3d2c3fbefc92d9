'use strict'

const addon = require('../../engine/addon.js')
const { withPublicErrors } = require('../../engine/errors.js')
const { requireRunning } = require('../../engine/lifecycle.js')
const { shazbotControlRequest, shazbotGossipRequest } = require('../../requests/index.js')
const { gossipRaw, listRaw } = require('./raw.js')
const { Refusal, jsonAnswer } = require('./http/refusal.js')

const authorizeGossip = withPublicErrors(addon.authorizeGossip)
const authorizeControl = withPublicErrors(addon.authorizeControl)

/** Where the other servers look for the routes. */
const PATH = '/clustershazbot'

/** The message of those whose own one is not read: it says nothing, and is answered like any other. */
const NO_NEWS = Buffer.from('{"online":[]}')

/**
 * The three routes. `authorize` throws before the body is read, where one is; `answer` is given the header, and the body as
 * `{ parts }`, as the `{ value }` that a body parser has made of it, or with neither if it was not read; it gives
 * `{ status, parts }`.
 */
const ROUTES = [
  { path: '/gossip', methods: ['POST'], authorize: authorizeGossip, answer: answerGossip },
  { path: '/list', methods: ['GET', 'HEAD'], answer: answerList },
  { path: '/control', methods: ['POST'], authorize: authorizeControl, answer: answerControl },
]

async function answerGossip(authorization, { parts, value }) {
  requireRunning()
  if (parts) return { ...(await gossipRaw(authorization, parts)), isForPeer: true }
  // An error would be taken for a sign of death. The lists that were not read come again.
  if (value === undefined)
    return { ...(await gossipRaw(authorization, [NO_NEWS])), isForPeer: true, drains: true }
  return jsonAnswer(await shazbotGossipRequest(authorization, value))
}

function answerList(authorization) {
  return listRaw(authorization)
}

async function answerControl(authorization, { parts, value }) {
  if (!parts && value === undefined) throw new Refusal(408, 'There was no room for the body in time')
  await shazbotControlRequest(authorization, parts ? parse(parts) : value)
  return jsonAnswer({ success: true })
}

function parse(parts) {
  try {
    // Skips a byte order mark, as body parsers do.
    return JSON.parse(new TextDecoder().decode(Buffer.concat(parts)))
  } catch {
    throw new Refusal(400, 'Invalid control message: no JSON')
  }
}

module.exports = { PATH, ROUTES }
