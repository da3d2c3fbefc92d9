'use strict'

const { isProxy } = require('node:util').types

/**
 * Whether an object or array has at most so many levels, itself being the first, and at most so many values in all of its
 * arrays and objects. Walks no further than that. A proxy, which may be another each time it is looked at, never is.
 *
 * @param {object} value
 * @param {number} levels
 * @param {number} values
 * @returns {boolean}
 */
function isWithin(value, levels, values) {
  return remaining(value, levels, values) >= 0
}

/** How many values more there may be after those of this one; negative if there are too many, or too many levels. */
function remaining(value, levels, values) {
  if (levels === 0 || isProxy(value)) return -1
  let left = values
  if (Array.isArray(value)) {
    left -= value.length
    for (let index = 0; index < value.length && left >= 0; index++) left = after(value[index], levels, left)
    return left
  }
  for (const key in value) {
    left = after(value[key], levels, left - 1)
    if (left < 0) return left
  }
  return left
}

function after(part, levels, left) {
  return typeof part === 'object' && part !== null ? remaining(part, levels - 1, left) : left
}

/**
 * A copy of an object that has at most so many levels: empty objects stand for what lies deeper. Throws where there are more
 * values than that in it, or where the rest is no tree.
 *
 * @param {object} value
 * @param {number} levels
 * @param {number} values
 * @returns {object}
 */
function cutOff(value, levels, values) {
  let left = values
  const copyOf = (part, levels, above) => {
    if (typeof part !== 'object' || part === null) return part
    if (levels === 0) return {}
    const keys = isProxy(part) || above.includes(part) ? undefined : keysOf(part, left)
    left -= keys?.length ?? Infinity
    if (left < 0) throw new TypeError('This is no JSON')
    // Without a prototype, `__proto__` is a key like any other.
    const copy = Array.isArray(part) ? [] : Object.create(null)
    for (const key of keys) copy[key] = copyOf(part[key], levels - 1, [...above, part])
    return copy
  }
  return copyOf(value, levels, [])
}

function keysOf(value, most) {
  if (!Array.isArray(value)) return Object.keys(value)
  return value.length <= most ? [...value.keys()] : undefined
}

module.exports = { isWithin, cutOff }
