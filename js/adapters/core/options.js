'use strict'

const { MAX_BODY } = require('./bodies/body-reader.js')

/** The path at which other servers expect the routes. */
const DEFAULT_PATH = '/clustershazbot'

/** The default limit of a body, in bytes. */
const DEFAULT_LIMIT = 16 * 1024 * 1024

/** Proxies in a row that `trustProxy` may count; each costs a step of reading a header. */
const MAX_PROXIES = 16

/** The options that are true or false, and false by default. */
const FLAGS = ['requireClientCertificate', 'matchHost', 'health', 'watch', 'metrics', 'dashboard']

/**
 * Returns the options of the routes with their defaults. Throws a `TypeError` or `RangeError` that
 * names the invalid option.
 *
 * @param {Record<string, unknown>} [options] as in `node.d.ts`, of any types
 * @returns {{ path: string, limit: number, proxies: number, requireClientCertificate: boolean,
 *   matchHost: boolean, health: boolean, watch: boolean, metrics: boolean, dashboard: boolean,
 *   authorize?: (request: object) => unknown }} `proxies` are those in front of this server that
 *   are trusted
 */
function routesOptions(options = {}) {
  if (typeof options !== 'object' || options === null) {
    throw new TypeError(`The options must be an object, not ${described(options)}`)
  }
  const { path = DEFAULT_PATH, limit = DEFAULT_LIMIT, trustProxy = false, authorize } = options
  requirePath(path)
  requireLimit(limit)
  requireTrustProxy(trustProxy)
  if (authorize !== undefined && typeof authorize !== 'function')
    throw new TypeError(`The option authorize must be a function, not ${described(authorize)}`)
  return { path, limit, proxies: Number(trustProxy), authorize, ...flagsOf(options) }
}

function flagsOf(options) {
  const flags = Object.fromEntries(FLAGS.map((name) => [name, options[name] ?? false]))
  for (const name of FLAGS) if (options[name] !== undefined) requireBoolean(name, options[name])
  if (flags.matchHost && !flags.requireClientCertificate)
    throw new RangeError('The option matchHost needs requireClientCertificate: true')
  if (flags.dashboard && options.watch === false)
    throw new RangeError('The option dashboard needs watch, which must not be false')
  return { ...flags, watch: flags.watch || flags.dashboard }
}

function requirePath(path) {
  if (typeof path !== 'string') {
    throw new TypeError(`The option path must be a string such as '${DEFAULT_PATH}', not ${described(path)}`)
  }
  // The path is empty if a framework mounts the handler at the path of the routes itself.
  if (!/^(?:\/[^\s?#]*[^\s?#/])?$/.test(path)) {
    const rule = "begin with '/', not end with it, and have no whitespace, query or fragment"
    throw new RangeError(`The option path must ${rule}, not ${described(path)}`)
  }
}

function requireLimit(limit) {
  const rule = `a whole number of bytes from 1 to ${MAX_BODY}`
  if (typeof limit !== 'number') {
    throw new TypeError(`The option limit must be ${rule}, not ${described(limit)}`)
  }
  if (!Number.isInteger(limit) || limit < 1 || limit > MAX_BODY) {
    throw new RangeError(`The option limit must be ${rule}, not ${limit}`)
  }
}

function requireBoolean(name, value) {
  if (typeof value !== 'boolean')
    throw new TypeError(`The option ${name} must be true or false, not ${described(value)}`)
}

function requireTrustProxy(trustProxy) {
  const rule = `true, false or the number of proxies from 0 to ${MAX_PROXIES}`
  if (typeof trustProxy === 'boolean') return
  if (typeof trustProxy !== 'number') {
    throw new TypeError(`The option trustProxy must be ${rule}, not ${described(trustProxy)}`)
  }
  if (!Number.isInteger(trustProxy) || trustProxy < 0 || trustProxy > MAX_PROXIES) {
    throw new RangeError(`The option trustProxy must be ${rule}, not ${trustProxy}`)
  }
}

/** Formats a value for an error message. */
function described(value) {
  if (typeof value === 'string') return JSON.stringify(value.slice(0, 100))
  return typeof value === 'object' && value !== null ? 'an object' : String(value)
}

module.exports = { described, requireBoolean, routesOptions }
