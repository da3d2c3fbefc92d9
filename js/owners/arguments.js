'use strict'

const {
  described,
  optionsObject,
  requireCount,
  requireDelay,
  requireSignal,
} = require('../events/options.js')

const DEFAULT_QUIET = 2_000
const DEFAULT_WITHIN = 30_000

function requireKey(key) {
  if (typeof key !== 'string') throw new TypeError(`The argument key must be a string, not ${described(key)}`)
}

function requireServerCount(count) {
  if (Number.isInteger(count) && count >= 1) return
  throw new RangeError(`The argument count must be a whole number of at least 1, not ${described(count)}`)
}

function requireRun(run) {
  if (typeof run !== 'function')
    throw new TypeError(`The argument run must be a function, not ${described(run)}`)
}

/**
 * Returns the options of `shazbotRunOnce` with their defaults. Throws an error that names the
 * invalid option.
 */
function runOnceOptions(options) {
  const { quiet = DEFAULT_QUIET, within = DEFAULT_WITHIN, atLeast = 1, signal } = optionsObject(options)
  requireDelay('quiet', quiet)
  requireDelay('within', within)
  requireCount('atLeast', atLeast)
  requireSignal(signal)
  return { quiet, within, atLeast, signal }
}

module.exports = { requireKey, requireRun, requireServerCount, runOnceOptions }
