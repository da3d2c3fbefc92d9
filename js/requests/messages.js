'use strict'

const { badMessage, UNREADABLE } = require('../engine/errors.js')
const { truncate, isWithin } = require('./value-limits.js')

/**
 * Entries in one list of a message: ten times as many servers as are kept; more would only cost
 * time. `src/protocol/wire/message.rs` has the same limit.
 */
const MAX_ENTRIES = 1_000_000
/**
 * Characters of a native extension. A message has 64 kB, and the largest roster transfer less than
 * this.
 */
const MAX_EXTENSION_LENGTH = 16 * 1024 * 1024
/**
 * Levels of a native extension that are passed on. Only four are ever read, and the time for
 * writing grows with the square of the depth.
 */
const MAX_EXTENSION_LEVELS = 8
/** Values in a native extension, each of at least two characters. */
const MAX_EXTENSION_VALUES = MAX_EXTENSION_LENGTH / 2

/**
 * Reads the lists of an incoming gossip message. Reads each length once, because a proxy may return
 * another one each time. A missing `offline` is an empty list.
 *
 * @param {unknown} body
 * @returns {{ online: unknown[], onlineCount: number, offline: unknown[], offlineCount: number }}
 */
function readGossip(body) {
  try {
    requireObject(body)
    const { online, offline = [] } = body
    const onlineCount = countOf('online', online)
    const offlineCount = countOf('offline', offline)
    return { online, onlineCount, offline, offlineCount }
  } catch (error) {
    throw messageError('gossip', error)
  }
}

/**
 * Returns the `v2` field of an incoming gossip message.
 *
 * @param {{ v2?: unknown }} body
 * @returns {unknown}
 */
function readExtension(body) {
  try {
    return body.v2
  } catch {
    // The lists of the message may still be valid.
    return undefined
  }
}

/**
 * Returns the nonce in the `v2` field of a message with the raw secret.
 *
 * @param {unknown} v2
 * @returns {string | undefined}
 */
function readNonce(v2) {
  try {
    const { nonce } = /** @type {{ nonce?: unknown }} */ (v2)
    return typeof nonce === 'string' ? nonce : undefined
  } catch {
    return undefined
  }
}

/**
 * Returns a native extension as JSON, which crosses the boundary in one piece; undefined if it is
 * malformed.
 *
 * @param {unknown} v2
 * @returns {string | undefined}
 */
function extensionText(v2) {
  try {
    if (typeof v2 !== 'object' || v2 === null || Array.isArray(v2)) return undefined
    const isWithinLimits = isWithin(v2, MAX_EXTENSION_LEVELS, MAX_EXTENSION_VALUES)
    const text = JSON.stringify(
      isWithinLimits ? v2 : truncate(v2, MAX_EXTENSION_LEVELS, MAX_EXTENSION_VALUES),
    )
    return text?.length <= MAX_EXTENSION_LENGTH ? text : undefined
  } catch {
    // A cycle or a custom toJSON throws; the lists of the message may still be valid.
    return undefined
  }
}

/**
 * Reads the payload of a signed message: JSON in base64url.
 *
 * @param {'control'} kind
 * @param {string} payload
 * @returns {unknown}
 */
function readPayload(kind, payload) {
  try {
    return JSON.parse(Buffer.from(payload, 'base64url').toString())
  } catch {
    throw badMessage(kind, 'the payload must be JSON in base64url')
  }
}

/**
 * Returns the state that a control message requests: `true` is online.
 *
 * @param {unknown} message
 * @returns {boolean}
 */
function readControl(message) {
  try {
    requireObject(message)
    const { online } = message
    if (typeof online !== 'boolean') {
      throw new Unfit(`"online" must be true or false, not ${describeType(online)}`)
    }
    return online
  } catch (error) {
    throw messageError('control', error)
  }
}

/** What is wrong with a message. */
class Unfit {
  #reason

  /** @param {string} reason */
  constructor(reason) {
    this.#reason = reason
  }

  /** Returns the reason; undefined for anything else that was thrown, of which no code runs. */
  static reasonOf(thrown) {
    return typeof thrown === 'object' && thrown !== null && #reason in thrown ? thrown.#reason : undefined
  }
}

/**
 * Returns the error for a message that cannot be read. Accessors and proxies in a message may throw
 * anything, also a proxy, which becomes an error with a code too.
 */
function messageError(kind, thrown) {
  return badMessage(kind, Unfit.reasonOf(thrown) ?? UNREADABLE)
}

function requireObject(body) {
  if (typeof body === 'object' && body !== null && !Array.isArray(body)) return
  const hint = body === undefined ? ' (is a JSON body parser installed before this route?)' : ''
  throw new Unfit(`the body must be an object, not ${describeType(body)}${hint}`)
}

function countOf(field, value) {
  if (!Array.isArray(value)) throw new Unfit(`"${field}" must be an array, not ${describeType(value)}`)
  const { length } = value
  if (!Number.isInteger(length) || length < 0) throw new Unfit(`"${field}" must be an array with a length`)
  if (length > MAX_ENTRIES) {
    throw new Unfit(`"${field}" must have at most ${MAX_ENTRIES} entries, not ${length}`)
  }
  return length
}

function describeType(value) {
  if (value === null || value === undefined) return String(value)
  return Array.isArray(value) ? 'an array' : `of type ${typeof value}`
}

module.exports = { readGossip, readExtension, readNonce, extensionText, readPayload, readControl }
