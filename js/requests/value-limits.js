'use strict'

const { isProxy } = require('node:util').types

/**
 * Whether an object or array has at most `levels` levels, itself included, and at most `values`
 * values in all its arrays and objects. Stops at these limits. Returns false for a proxy, which may
 * change between reads.
 *
 * @param {object} value
 * @param {number} levels
 * @param {number} values
 * @returns {boolean}
 */
function isWithin(value, levels, values) {
  return valuesLeft(value, levels, values) >= 0
}

/** Returns how many more values are allowed after this one; negative beyond a limit. */
function valuesLeft(value, levels, limit) {
  if (levels === 0 || isProxy(value)) return -1
  let left = limit
  if (Array.isArray(value)) {
    left -= value.length
    for (let index = 0; index < value.length && left >= 0; index++)
      left = valuesLeftAfter(value[index], levels, left)
    return left
  }
  for (const key in value) {
    left = valuesLeftAfter(value[key], levels, left - 1)
    if (left < 0) return left
  }
  return left
}

function valuesLeftAfter(part, levels, left) {
  return typeof part === 'object' && part !== null ? valuesLeft(part, levels - 1, left) : left
}

/**
 * Copies an object down to `levels` levels; empty objects replace deeper ones. Throws if it has
 * more than `values` values or is not a tree.
 *
 * @param {object} value
 * @param {number} levels
 * @param {number} values
 * @returns {object}
 */
function truncate(value, levels, values) {
  let left = values
  const copyOf = (part, levels, above) => {
    if (typeof part !== 'object' || part === null) return part
    if (levels === 0) return {}
    const keys = isProxy(part) || above.includes(part) ? undefined : keysWithin(part, left)
    left -= keys?.length ?? Infinity
    if (left < 0) throw new TypeError('Not a JSON value')
    // Without a prototype, `__proto__` is a key like any other.
    const copy = Array.isArray(part) ? [] : Object.create(null)
    for (const key of keys) copy[key] = copyOf(part[key], levels - 1, [...above, part])
    return copy
  }
  return copyOf(value, levels, [])
}

function keysWithin(value, maxKeys) {
  if (!Array.isArray(value)) return Object.keys(value)
  return value.length <= maxKeys ? [...value.keys()] : undefined
}

module.exports = { isWithin, truncate }
