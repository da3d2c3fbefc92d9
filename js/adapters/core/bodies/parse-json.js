'use strict'

const { HttpError } = require('../http/http-error.js')

/**
 * Parses a body in parts. Throws a 400 if it is not JSON.
 *
 * @param {string} kind of the message
 * @param {Uint8Array[]} parts
 */
function parseJson(kind, parts) {
  try {
    // Skips a byte order mark, as body parsers do.
    return JSON.parse(new TextDecoder().decode(Buffer.concat(parts)))
  } catch {
    throw new HttpError(400, `Invalid ${kind} message: no JSON`)
  }
}

module.exports = { parseJson }
