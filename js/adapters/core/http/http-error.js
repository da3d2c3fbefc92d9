'use strict'

/** An error that is sent to the caller as it is; its message must contain no secrets. */
class HttpError extends Error {
  /**
   * @param {number} status
   * @param {string} message
   * @param {Record<string, string>} [headers]
   * @param {string} [reason] as in audits, if the status does not tell it
   */
  constructor(status, message, headers, reason) {
    super(message)
    this.status = status
    this.headers = headers
    this.reason = reason
  }
}

/** Creates the rejection of a body with more than `limit` bytes. */
const tooLarge = (limit) => new HttpError(413, `The body must have at most ${limit} bytes`)

/** Returns the response for an error; the message of an unexpected error is not sent. */
function errorResponse({ status, message, headers, reason }) {
  if (status === undefined) return jsonResponse({ error: 'Internal error' }, 500)
  return { ...jsonResponse({ error: message }, status, headers), reason }
}

/** Returns a response with a JSON value. */
function jsonResponse(value, status = 200, headers = undefined) {
  return { status, parts: [Buffer.from(JSON.stringify(value))], headers }
}

module.exports = { HttpError, tooLarge, errorResponse, jsonResponse }
