'use strict'

/** Characters shown of an external text, which may have any length. */
const MAX_LENGTH = 200

/** Characters that break a line, control a terminal, or change the reading direction. */
const HARMFUL = /[\p{Cc}\p{Cf}\u2028\u2029]/gu

/**
 * Makes an external text safe for a log or an error.
 *
 * @param {string} text
 */
function printable(text) {
  return escaped(text.length > MAX_LENGTH ? `${text.slice(0, MAX_LENGTH)}…` : text)
}

/**
 * Makes an external text of limited length safe for a terminal.
 *
 * @param {string} text
 */
function escaped(text) {
  return text.replace(HARMFUL, (character) => `\\u{${character.codePointAt(0).toString(16)}}`)
}

module.exports = { escaped, printable }
