'use strict'

/** The HTTP status of each error code; a configuration error never answers a request. */
const STATUS_OF_CODE = {
  SHAZBOT_BAD_MESSAGE: 400,
  SHAZBOT_CONFIG: undefined,
  SHAZBOT_NOT_STARTED: 503,
  SHAZBOT_UNAUTHORIZED: 401,
}

/**
 * The addon's codes of requests that are unauthorized although their header has the right form.
 * Programs see SHAZBOT_UNAUTHORIZED; audits see these reasons.
 */
const REJECTIONS = new Set([
  'key',
  'signature',
  'stale',
  'replayed',
  'senders',
  'payload',
  'sibling',
  'policy',
])

/** The reason for rejecting a message that cannot be read. */
const UNREADABLE = 'it cannot be read, because an accessor or a proxy in it throws'

/**
 * Creates an error as programs see it: with `code`, and in the form of `http-errors` for the
 * default handlers of frameworks. They read the status under either name; newer versions of Nest
 * answer 500 without `expose`.
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
 * Creates the error for a message that is rejected as a whole.
 *
 * @param {'gossip' | 'control'} kind
 * @param {string} reason
 */
function badMessage(kind, reason) {
  return publicError('SHAZBOT_BAD_MESSAGE', `Invalid ${kind} message: ${reason}`)
}

/**
 * Creates the error of every function but the start while no engine runs. Peers search for this
 * text.
 *
 * @param {string} [hint] the likely cause
 */
function notStarted(hint) {
  const message = 'Clustershazbot engine not started'
  return publicError('SHAZBOT_NOT_STARTED', hint ? `${message}: ${hint}` : message)
}

/** Wraps a native function so that it throws public errors. */
function withPublicErrors(native) {
  return (...values) => {
    try {
      return native(...values)
    } catch (error) {
      throw toPublicError(error)
    }
  }
}

/**
 * Returns the public form of an addon's error. That belongs to another realm if a program runs in a
 * `vm` context, as in Jest: `instanceof Error` would be false.
 */
function toPublicError(error) {
  if (isRejection(error)) {
    const unauthorized = publicError('SHAZBOT_UNAUTHORIZED', error.message)
    // Hidden from programs that send errors to the caller.
    return Object.defineProperty(unauthorized, 'reason', { value: error.code })
  }
  return Object.hasOwn(STATUS_OF_CODE, error.code) ? publicError(error.code, error.message) : error
}

/** Whether an error of the addon has a reason for audits as its code. */
const isRejection = (error) => REJECTIONS.has(error.code)

module.exports = {
  badMessage,
  isRejection,
  notStarted,
  publicError,
  toPublicError,
  withPublicErrors,
  REJECTIONS,
  UNREADABLE,
}
