'use strict'

/** Characters of a text from outside that are shown; more may be endless. */
const MAX_LENGTH = 200

/** What would break a line, act on a terminal, or turn the order of what is read. */
const HARMFUL = /[\p{Cc}\p{Cf}\u2028\u2029]/gu

/**
 * A text from outside, as it may stand in a log or an error.
 *
 * @param {string} text
 */
function printable(text) {
  const shown = text.length > MAX_LENGTH ? `${text.slice(0, MAX_LENGTH)}…` : text
  return shown.replace(HARMFUL, (character) => `\\u{${character.codePointAt(0).toString(16)}}`)
}

module.exports = { printable }
