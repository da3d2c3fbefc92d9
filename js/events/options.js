'use strict'

/** The longest delay of a timer, in milliseconds: about 24 days. */
const MAX_DELAY = 2 ** 31 - 1

/**
 * Returns the options of a watch with their defaults. Throws an error that names the invalid
 * option.
 *
 * @param {Record<string, unknown>} [options] of any types
 * @returns {{ signal?: AbortSignal, snapshot: boolean, settle: number }}
 */
function watchOptions(options) {
  const { signal, snapshot = true, settle = 0 } = optionsObject(options)
  requireSignal(signal)
  if (typeof snapshot !== 'boolean')
    throw new TypeError(`The option snapshot must be true or false, not ${described(snapshot)}`)
  requireDelay('settle', settle)
  return { signal, snapshot, settle }
}

/** Returns `options`, or an empty object. */
function optionsObject(options = {}) {
  if (typeof options !== 'object' || options === null)
    throw new TypeError(`The options must be an object, not ${described(options)}`)
  return options
}

function requireSignal(signal) {
  const isSignal = typeof signal === 'object' && typeof signal?.addEventListener === 'function'
  if (signal !== undefined && !(isSignal && typeof signal.aborted === 'boolean'))
    throw new TypeError(`The option signal must be an AbortSignal, not ${described(signal)}`)
}

function requireDelay(name, delay) {
  if (typeof delay !== 'number' || !(delay >= 0 && delay <= MAX_DELAY)) {
    const rule = `a number of milliseconds from 0 to ${MAX_DELAY}`
    throw new RangeError(`The option ${name} must be ${rule}, not ${described(delay)}`)
  }
}

function requireCount(name, count) {
  if (!Number.isSafeInteger(count) || count < 0)
    throw new RangeError(`The option ${name} must be a whole number, not ${described(count)}`)
}

/** Formats a value for an error message. */
function described(value) {
  if (typeof value === 'string') return JSON.stringify(value.slice(0, 100))
  return typeof value === 'object' && value !== null ? 'an object' : String(value)
}

module.exports = { described, optionsObject, requireCount, requireDelay, requireSignal, watchOptions }
