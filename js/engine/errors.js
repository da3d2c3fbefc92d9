'use strict'

/** The HTTP status of each error code; a wrong configuration is nothing that a request could be answered with. */
const STATUS_OF_CODE = {
  SHAZBOT_BAD_MESSAGE: 400,
  SHAZBOT_CONFIG: undefined,
  SHAZBOT_NOT_STARTED: 503,
  SHAZBOT_UNAUTHORIZED: 401,
}

/** The fault of a message whose parts cannot be read. */
const UNREADABLE = 'it can not be read, as an accessor or a proxy in it throws'

/**
 * An error as programs see it: `code`, and what the default handlers of frameworks look for, in the form of `http-errors`:
 * the status under both names, and `expose`, without which newer versions of Nest answer 500.
 *
 * @param {keyof typeof STATUS_OF_CODE} code
 * @param {string} message
 */
function publicError(code, message) {
  const error = new Error(message)
  error.code = code
  const status = STATUS_OF_CODE[code]
  if (status !== undefined) {
    error.status = status
    error.statusCode = status
    error.expose = true
  }
  return error
}

/**
 * The error for a message that is rejected as a whole.
 *
 * @param {'gossip' | 'control'} kind
 * @param {string} fault
 */
function badMessage(kind, fault) {
  return publicError('SHAZBOT_BAD_MESSAGE', `Invalid ${kind} message: ${fault}`)
}

/**
 * What every function but the start answers with while no engine runs. Peers look for this text.
 *
 * @param {string} [hint] what may be the cause
 */
function notStarted(hint) {
  const message = 'Clustershazbot engine not started'
  return publicError('SHAZBOT_NOT_STARTED', hint ? `${message}: ${hint}` : message)
}

/**
 * The native function, throwing public errors. They are made anew because the addon's belong to another realm where
 * programs run in a `vm` context, as in Jest: `instanceof Error` would be false.
 */
function withPublicErrors(native) {
  return (...values) => {
    try {
      return native(...values)
    } catch (error) {
      throw Object.hasOwn(STATUS_OF_CODE, error.code) ? publicError(error.code, error.message) : error
    }
  }
}

module.exports = { badMessage, notStarted, withPublicErrors, UNREADABLE }
