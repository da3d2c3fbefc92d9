'use strict'

/** Why a request is answered with no more than an error. The message goes out; nothing secret may stand in it. */
class Refusal extends Error {
  /**
   * @param {number} status
   * @param {string} message
   * @param {Record<string, string>} [headers]
   */
  constructor(status, message, headers) {
    super(message)
    this.status = status
    this.headers = headers
  }
}

/** The refusal of a body that is longer than so many bytes. */
const tooLarge = (limit) => new Refusal(413, `The body must have at most ${limit} bytes`)

/** The answer for an error: of those that are not meant for the other side, nothing is told. */
function answerOfError({ status, message, headers }) {
  if (status === undefined) return jsonAnswer({ error: 'Internal error' }, 500)
  return jsonAnswer({ error: message }, status, headers)
}

/** The answer that holds a value. */
function jsonAnswer(value, status = 200, headers = undefined) {
  return { status, parts: [Buffer.from(JSON.stringify(value))], headers }
}

module.exports = { Refusal, tooLarge, answerOfError, jsonAnswer }
