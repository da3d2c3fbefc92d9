'use strict'

const addon = require('../../engine/addon.js')
const { withPublicErrors } = require('../../engine/errors.js')
const { sizeOf } = require('./answers/parts.js')
const { keepText, latestText, roomForText } = require('./answers/texts.js')

const mayControl = withPublicErrors(addon.mayControl)

/** Who waits for an answer that another thread gives, by the number of the request. */
const waiting = new Map()
let requests = 0

/** The size in bytes from which bodies are read one after the other: reading one takes up to three times its memory. */
const LONG = 4 * 1024 * 1024

/** Made for the first request: it is a handle of the event loop. */
let path

function rawPath() {
  path ??= new addon.RawPath((request, answer) => {
    const resolve = waiting.get(request)
    waiting.delete(request)
    resolve(answer)
  })
  return path
}

/**
 * The answer to a gossip request.
 *
 * @param {string} authorization
 * @param {Uint8Array[]} body in one or more parts, which nobody may change meanwhile
 */
function gossipRaw(authorization, body) {
  return sizeOf(body) < LONG ? gossip(authorization, body) : afterOthers(() => gossip(authorization, body))
}

const gossip = withPublicErrors((authorization, body) =>
  answered((request, has, room) => rawPath().gossip(request, has, room, authorization, body)),
)

let others = Promise.resolve()

/** Asks when those that have asked before are answered. */
function afterOthers(ask) {
  const answer = others.then(ask)
  others = answer.catch(() => {})
  return answer
}

const askForAll = oneAtATime(() => listOf(true))
const askForOnline = oneAtATime(() => listOf(false))

/** The answer to a list request, which those who ask at one time share. */
const listRaw = (authorization) => (mayControl(authorization) ? askForAll() : askForOnline())

const listOf = withPublicErrors((includesOffline) =>
  answered((request, has, room) => rawPath().list(request, has, room, includesOffline)),
)

/** At once, or as a promise: the answer with its bytes in parts, and the shared text that these belong to. */
function answered(ask) {
  // On the other side it has 32 bits.
  requests = (requests + 1) >>> 0
  const request = requests
  const had = latestText()
  // Each answer that is being written may bring a text.
  const answer = ask(request, had.number, roomForText() - waiting.size * had.size)
  if (answer) return whole(answer, had)
  return new Promise((resolve) => waiting.set(request, (answer) => resolve(whole(answer, had))))
}

function whole(answer, had) {
  if (ArrayBuffer.isView(answer)) return { status: 200, parts: [answer] }
  const { status, head, middle, hasOffline, number, online, offline } = answer
  if (number === 0) return { status, parts: [Buffer.from(head)] }
  const text = number === had.number ? had : keepText(number, online, offline)
  const parts = [Buffer.from(head), text.online, Buffer.from(middle)]
  if (hasOffline) parts.push(text.offline)
  return { status, parts, text }
}

/** Asks one at a time: those who come meanwhile share the next answer, which is true for them too. */
function oneAtATime(ask) {
  let current
  let next
  return function askOrShare() {
    if (current) {
      next ??= current.then(() => {
        next = undefined
        return askOrShare()
      })
      return next
    }
    const answer = ask()
    if (typeof answer.then !== 'function') return answer
    current = answer.then((answer) => {
      current = undefined
      return answer
    })
    return current
  }
}

module.exports = { gossipRaw, listRaw }
