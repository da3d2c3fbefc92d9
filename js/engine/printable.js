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

/**
 * Makes JSON safe for a terminal. It means the same: its own syntax has no harmful characters.
 *
 * @param {string} json without line breaks
 */
function escapedJson(json) {
  return json.replace(HARMFUL, (character) => {
    const units = character.split('')
    return units.map((unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`).join('')
  })
}

module.exports = { escaped, escapedJson, printable }
