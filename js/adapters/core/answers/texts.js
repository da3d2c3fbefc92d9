'use strict'

/** What all shared texts have together in bytes, the latest and those that answers in progress hold. */
const MOST_BYTES = 64 * 1024 * 1024

/**
 * A text that answers share: the entries of all others. Its bytes only go out; whoever changed them would change answers.
 *
 * @typedef {{ number: number, size: number, answers: number, online?: Uint8Array, offline?: Uint8Array }} Text
 */

/** The latest text; answers that are true share it. */
let latest = { number: 0, size: 0, answers: 0 }

/** What earlier texts have in bytes that answers still hold. */
let held = 0

/** The latest text. */
const latestText = () => latest

/** How many bytes another text may have. As it takes the place of the latest, that counts only while answers hold it. */
function roomForText() {
  return MOST_BYTES - held - (latest.answers > 0 ? latest.size : 0)
}

/** Keeps a text that has come from Rust. Of two copies, which come where answers are written at one time, one is kept. */
function keepText(number, online, offline) {
  if (number === latest.number) return latest
  const text = { number, size: online.length + offline.length, answers: 0, online, offline }
  if (number < latest.number) return text
  if (latest.answers > 0) held += latest.size
  latest = text
  return text
}

/** Counts the text as long as an answer is in progress. */
function hold(text) {
  if (text.answers === 0 && text !== latest) held += text.size
  text.answers++
}

/** The answer has left this process. */
function release(text) {
  text.answers--
  if (text.answers === 0 && text !== latest) held -= text.size
}

module.exports = { latestText, roomForText, keepText, hold, release }
