'use strict'

/** The severities that each level of `SHAZBOT_LOG` logs; a start rejects other levels. */
const SEVERITIES = {
  info: ['log', 'warn', 'error'],
  warn: ['warn', 'error'],
  silent: [],
}

/**
 * Returns a function that writes the lines of this level to the console of this JavaScript
 * environment.
 *
 * @param {string} [level] as in `SHAZBOT_LOG`
 * @returns {(severity: 'log' | 'warn' | 'error', message: string, reason?: string | null) => void}
 */
function createLog(level = '') {
  const severities = SEVERITIES[level.trim().toLowerCase()] ?? SEVERITIES.info
  return (severity, message, reason) => {
    if (severities.includes(severity)) write(severity, message, reason)
  }
}

/** Looks up the console at each call, because programs and tests replace it. */
function write(severity, message, reason) {
  try {
    if (reason) console[severity](message, reason)
    else console[severity](message)
  } catch {
    // No caller could catch it, and a throwing console must not end the process.
  }
}

module.exports = { createLog }
