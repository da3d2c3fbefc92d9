'use strict'

const { setTimeout } = require('node:timers')

/**
 * The total size in bytes of all shared texts: the latest and those used by responses in progress.
 */
const MAX_TOTAL_BYTES = 64 * 1024 * 1024

/**
 * A text that responses share: the entries of all other servers. Nobody may change its bytes.
 *
 * @typedef {{ number: number, size: number, uses: number, online?: Uint8Array, offline?: Uint8Array }} Text
 */

/** Time in ms without a request after which the latest text is dropped. */
const LIFETIME = 10_000

const NONE = Object.freeze({ number: 0, size: 0, uses: 0 })

/** The latest text, which current responses share. */
let latest = NONE

/** Whether a request has looked for the latest text since the last review. */
let isWanted = false

/** The size in bytes of earlier texts that responses still use. */
let held = 0

/** Returns the latest text. */
function latestText() {
  isWanted = true
  return latest
}

/**
 * Returns how many bytes another text may have. It replaces the latest, which only counts while
 * responses use it.
 */
function availableBytes() {
  return MAX_TOTAL_BYTES - held - (latest.uses > 0 ? latest.size : 0)
}

/**
 * Stores a text from the addon. Simultaneous responses may bring two copies, of which one is kept.
 * A short second part is missing, because no response shares it.
 *
 * @param {number} number
 * @param {Uint8Array} online
 * @param {Uint8Array | null} [offline]
 */
function storeText(number, online, offline) {
  if (number === latest.number) return latest
  const text = { number, size: online.length + (offline?.length ?? 0), uses: 0, online, offline }
  if (number < latest.number) return text
  if (latest === NONE) reviewLater()
  if (latest.uses > 0) held += latest.size
  latest = text
  return text
}

function reviewLater() {
  isWanted = false
  setTimeout(review, LIFETIME).unref()
}

/** Drops the latest text unless it is used. */
function review() {
  if (isWanted || latest.uses > 0) reviewLater()
  else latest = NONE
}

/** Counts a response that uses the text. */
function hold(text) {
  if (text.uses === 0 && text !== latest) held += text.size
  text.uses++
}

/** Counts a response as sent. */
function release(text) {
  text.uses--
  if (text.uses === 0 && text !== latest) held -= text.size
}

module.exports = { latestText, availableBytes, storeText, hold, release }
