'use strict'

const { publicError } = require('./errors.js')

/** Far more than the servers that are kept; what is longer is no list of servers, and would only cost time. */
const MAX_ENTRIES = 1_000_000

/** A native extension of more text is none: messages hold 64 kB, and the largest roster in a comparison less than this. */
const MAX_EXTENSION_LENGTH = 16 * 1024 * 1024

/**
 * The lists of an incoming gossip message; a missing `offline` is an empty one.
 *
 * @param {unknown} body
 * @returns {{ online: unknown[], offline: unknown[] }}
 */
function readGossip(body) {
  requireObject('gossip', body)
  const { online, offline = [] } = body
  requireArray('online', online)
  requireArray('offline', offline)
  return { online, offline }
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
    const text = JSON.stringify(v2)
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
  requireObject('control', message)
  const { online } = message
  if (typeof online !== 'boolean')
    throw badMessage('control', `"online" must be true or false, not ${kindOf(online)}`)
  return online
}

function requireObject(kind, body) {
  if (typeof body === 'object' && body !== null && !Array.isArray(body)) return
  const hint = body === undefined ? ' (is a JSON body parser installed before this route?)' : ''
  throw badMessage(kind, `the body must be an object, not ${kindOf(body)}${hint}`)
}

function requireArray(field, value) {
  if (!Array.isArray(value)) throw badMessage('gossip', `"${field}" must be an array, not ${kindOf(value)}`)
  const { length } = value
  if (!(length >= 0 && length <= MAX_ENTRIES)) {
    throw badMessage('gossip', `"${field}" must have at most ${MAX_ENTRIES} entries, not ${length}`)
  }
}

function badMessage(kind, fault) {
  return publicError('SHAZBOT_BAD_MESSAGE', `Invalid ${kind} message: ${fault}`)
}

function kindOf(value) {
  if (value === null || value === undefined) return String(value)
  return Array.isArray(value) ? 'an array' : `of type ${typeof value}`
}

module.exports = { readGossip, readExtension, extensionText, readControl }
