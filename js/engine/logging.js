'use strict'

/** What each level of `SHAZBOT_LOG` lets through; the engine refuses other words when it starts. */
const SEVERITIES = {
  info: ['log', 'warn', 'error'],
  warn: ['warn', 'error'],
  silent: [],
}

/**
 * A function that writes lines of this level to the console of this JavaScript environment.
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

/** The console is looked up at each call because programs and tests replace it. */
function write(severity, message, reason) {
  try {
    if (reason) console[severity](message, reason)
    else console[severity](message)
  } catch {
    // Nobody could catch it: a console that throws must not end the process.
  }
}

module.exports = { createLog }
