'use strict'

const addon = require('../../../engine/addon.js')
const { extensionText, readExtension } = require('../../../requests/messages.js')
const { sizeOf } = require('../responses/parts.js')

/** The largest body in bytes that may name a sender: messages of version 2 have at most 100 kB. */
const MAX_NAMING_BODY = 128 * 1024

/**
 * Returns the URL of the server that sent a gossip message, as the message itself says; null if it
 * says nothing, as those of version 1. The addon parses the bytes, so that both steps read the same
 * URL.
 *
 * @param {string} authorization
 * @param {{ parts?: Uint8Array[], value?: unknown }} body
 * @returns {string | null}
 */
function senderOf(authorization, { parts, value }) {
  const bytes = parts ?? bytesOf(value)
  return sizeOf(bytes) <= MAX_NAMING_BODY ? addon.gossipSender(authorization, bytes) : null
}

/** Writes the part of a parsed message that names its sender. */
function bytesOf(value) {
  const v2 = typeof value === 'object' && value !== null ? readExtension(value) : undefined
  const text = v2 === undefined ? undefined : extensionText(v2)
  return text === undefined ? [] : [Buffer.from(`{"online":[],"v2":${text}}`)]
}

module.exports = { senderOf }
