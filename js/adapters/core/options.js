'use strict'

const { LARGEST_BODY } = require('./bodies/body-reader.js')
const { PATH } = require('./routes.js')

/** The largest body in bytes unless the program says otherwise. */
const LIMIT = 16 * 1024 * 1024

/**
 * The options of the routes with their defaults. Throws a `TypeError` or `RangeError` that names the invalid option.
 *
 * @param {{ path?: unknown, limit?: unknown }} [options]
 * @returns {{ path: string, limit: number }}
 */
function routesOptions(options = {}) {
  if (typeof options !== 'object' || options === null) {
    throw new TypeError(`The options must be an object, not ${shown(options)}`)
  }
  const { path = PATH, limit = LIMIT } = options
  requirePath(path)
  requireLimit(limit)
  return { path, limit }
}

function requirePath(path) {
  if (typeof path !== 'string') {
    throw new TypeError(`The option path must be a string such as '${PATH}', not ${shown(path)}`)
  }
  // An empty path is the path itself that a framework mounts the handler at.
  if (!/^(?:\/[^\s?#]*[^\s?#/])?$/.test(path)) {
    const rule = "begin with '/', not end with it, and have no whitespace, query or fragment"
    throw new RangeError(`The option path must ${rule}, not ${shown(path)}`)
  }
}

function requireLimit(limit) {
  const rule = `a whole number of bytes from 1 to ${LARGEST_BODY}`
  if (typeof limit !== 'number') {
    throw new TypeError(`The option limit must be ${rule}, not ${shown(limit)}`)
  }
  if (!Number.isInteger(limit) || limit < 1 || limit > LARGEST_BODY) {
    throw new RangeError(`The option limit must be ${rule}, not ${limit}`)
  }
}

/** A value as an error message shows it. */
function shown(value) {
  if (typeof value === 'string') return JSON.stringify(value.slice(0, 100))
  return typeof value === 'object' && value !== null ? 'an object' : String(value)
}

module.exports = { routesOptions }
