'use strict'

const { badMessage, UNREADABLE } = require('../engine/errors.js')
const { cutOff, isWithin } = require('./extent.js')

/** Entries in one list of a message. Ten times as many as servers are kept; more would only cost time. Also stands in `src/protocol/wire/message.rs`. */
const MAX_ENTRIES = 1_000_000
/** Characters of a native extension. Messages hold 64 kB, and the largest roster in a comparison less than this. */
const MAX_EXTENSION_LENGTH = 16 * 1024 * 1024
/**
 * Levels of a native extension that are passed on. Nothing below the fourth is ever read, and the time that writing takes grows
 * with the square of the depth.
 */
const MAX_EXTENSION_LEVELS = 8
/** Values in a native extension, each of which takes at least two characters. */
const MAX_EXTENSION_VALUES = MAX_EXTENSION_LENGTH / 2

/**
 * The lists of an incoming gossip message, each with its length, which is read once: a proxy may tell another one each time.
 * A missing `offline` is an empty one.
 *
 * @param {unknown} body
 * @returns {{ online: unknown[], onlineCount: number, offline: unknown[], offlineCount: number }}
 */
function readGossip(body) {
  return reading('gossip', (fail) => {
    requireObject(body, fail)
    const { online, offline = [] } = body
    const onlineCount = countOf('online', online, fail)
    const offlineCount = countOf('offline', offline, fail)
    return { online, onlineCount, offline, offlineCount }
  })
}

/**
 * What an incoming gossip message has in the place of the native extension.
 *
 * @param {{ v2?: unknown }} body
 * @returns {unknown}
 */
function readExtension(body) {
  try {
    return body.v2
  } catch {
    // The lists beside it may still be good.
    return undefined
  }
}

/**
 * A native extension as JSON, which crosses the boundary at once; undefined for what can be none.
 *
 * @param {unknown} v2
 * @returns {string | undefined}
 */
function extensionText(v2) {
  try {
    if (typeof v2 !== 'object' || v2 === null || Array.isArray(v2)) return undefined
    const isModest = isWithin(v2, MAX_EXTENSION_LEVELS, MAX_EXTENSION_VALUES)
    const text = JSON.stringify(isModest ? v2 : cutOff(v2, MAX_EXTENSION_LEVELS, MAX_EXTENSION_VALUES))
    return text?.length <= MAX_EXTENSION_LENGTH ? text : undefined
  } catch {
    // A cycle, or a toJSON of its own: the lists beside it may still be good.
    return undefined
  }
}

/**
 * What a control message asks for: `true` to be online.
 *
 * @param {unknown} message
 * @returns {boolean}
 */
function readControl(message) {
  return reading('control', (fail) => {
    requireObject(message, fail)
    const { online } = message
    if (typeof online !== 'boolean') fail(`"online" must be true or false, not ${kindOf(online)}`)
    return online
  })
}

/** What `read` gives. Accessors and proxies in a message may throw anything, which becomes an error with a code as well. */
function reading(kind, read) {
  let fault
  try {
    return read((found) => {
      fault = found
      throw new Error(found)
    })
  } catch {
    throw badMessage(kind, fault ?? UNREADABLE)
  }
}

function requireObject(body, fail) {
  if (typeof body === 'object' && body !== null && !Array.isArray(body)) return
  const hint = body === undefined ? ' (is a JSON body parser installed before this route?)' : ''
  fail(`the body must be an object, not ${kindOf(body)}${hint}`)
}

function countOf(field, value, fail) {
  if (!Array.isArray(value)) fail(`"${field}" must be an array, not ${kindOf(value)}`)
  const { length } = value
  if (!Number.isInteger(length) || length < 0) fail(`"${field}" must be an array with a length`)
  if (length > MAX_ENTRIES) fail(`"${field}" must have at most ${MAX_ENTRIES} entries, not ${length}`)
  return length
}

function kindOf(value) {
  if (value === null || value === undefined) return String(value)
  return Array.isArray(value) ? 'an array' : `of type ${typeof value}`
}

module.exports = { readGossip, readExtension, extensionText, readControl }
