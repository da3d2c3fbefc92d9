'use strict'

const addon = require('../../../engine/addon.js')
const { withPublicErrors } = require('../../../engine/errors.js')
const { sizeOf } = require('../responses/parts.js')
const { coalesced } = require('./coalesced.js')
const { storeText, latestText, availableBytes } = require('../responses/shared-texts.js')

const authorizeList = withPublicErrors(addon.authorizeList)

/** The resolvers of responses from other threads, by the number of the request. */
const pending = new Map()
let lastRequest = 0

/**
 * The size in bytes from which bodies are read one at a time, because reading takes up to three
 * times their memory.
 */
const SEQUENTIAL_FROM = 4 * 1024 * 1024

/** Created by the first request, because it is a handle of the event loop. */
let path

function rawPath() {
  path ??= new addon.RawPath((request, ...answer) => {
    const respond = pending.get(request)
    pending.delete(request)
    respond(...answer)
  })
  return path
}

/**
 * Answers a gossip request.
 *
 * @param {string} authorization
 * @param {Uint8Array[]} body in parts, which nobody may change until it is answered
 * @param {number} [ticket] that `authorizeGossip` has returned for the header
 */
function gossipRaw(authorization, body, ticket = 0) {
  if (sizeOf(body) < SEQUENTIAL_FROM) return gossip(authorization, body, ticket)
  return sequentially(() => gossip(authorization, body, ticket))
}

const gossip = withPublicErrors((authorization, body, ticket) =>
  send((request, cached, room) => rawPath().gossip(request, cached, room, ticket, authorization, body)),
)

let queue = Promise.resolve()

/** Runs `call` after all earlier ones have ended. */
function sequentially(call) {
  const answer = queue.then(call)
  queue = answer.catch(() => {})
  return answer
}

const requestAll = coalesced(() => listOf({ includesOffline: true }))
const requestOnline = coalesced(() => listOf({ includesOffline: false }))

/** Answers a list request; simultaneous requests share one response. */
const listRaw = (authorization) => (authorizeList(authorization) ? requestAll() : requestOnline())

const listOf = withPublicErrors(({ includesOffline }) =>
  send((request, cached, room) => rawPath().list(request, cached, room, includesOffline)),
)

/**
 * Returns a response with its bytes in parts and the shared text that they belong to, or a promise
 * of it.
 */
function send(call) {
  // The addon's request number has 32 bits.
  lastRequest = (lastRequest + 1) >>> 0
  const request = lastRequest
  const cached = latestText()
  // Each pending response may bring a new text.
  const room = availableBytes() - pending.size * cached.size
  const answer = call(request, cached.number, room)
  if (answer) return toResponse(answer, cached)
  return new Promise((resolve) => {
    pending.set(request, (answer, middle, hasOffline, number, online, offline) => {
      if (middle === null) return void resolve(toResponse(answer, cached))
      const text = number === cached.number ? cached : storeText(number, online, offline)
      resolve(sharing(text, answer, middle, hasOffline))
    })
  })
}

function toResponse(answer, cached) {
  if (typeof answer === 'string' || ArrayBuffer.isView(answer)) return { status: 200, parts: [answer] }
  const { status, head, middle, hasOffline, number, online, offline, audited } = answer
  if (number === 0) return { status, parts: [Buffer.from(head)], reason: audited }
  const text = number === cached.number ? cached : storeText(number, online, offline)
  return sharing(text, head, middle, hasOffline)
}

/** Returns a response that shares a text. */
function sharing(text, head, middle, hasOffline) {
  const parts = [Buffer.from(head), text.online, Buffer.from(middle)]
  if (hasOffline) parts.push(text.offline)
  return { status: 200, parts, text }
}

module.exports = { gossipRaw, listRaw }
