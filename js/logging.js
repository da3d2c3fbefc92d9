'use strict'

/**
 * Writes to the console of this JavaScript environment, looked up at each call because programs and tests replace it.
 *
 * @param {'log' | 'warn' | 'error'} severity
 * @param {string} message
 * @param {string} [reason]
 */
function log(severity, message, reason) {
  try {
    if (reason) console[severity](message, reason)
    else console[severity](message)
  } catch {
    // Nobody could catch it: a console that throws must not end the process.
  }
}

module.exports = { log }
