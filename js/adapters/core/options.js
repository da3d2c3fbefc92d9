'use strict'

const { MAX_BODY } = require('./bodies/body-reader.js')
const { DEFAULT_PATH } = require('./routes.js')

/** The default limit of a body, in bytes. */
const DEFAULT_LIMIT = 16 * 1024 * 1024

/** Proxies in a row that `trustProxy` may count; each costs a step of reading a header. */
const MAX_PROXIES = 16

/**
 * Returns the options of the routes with their defaults. Throws a `TypeError` or `RangeError` that
 * names the invalid option.
 *
 * @param {Record<string, unknown>} [options] as in `node.d.ts`, of any types
 * @returns {{ path: string, limit: number, proxies: number, requireClientCertificate: boolean,
 *   matchHost: boolean, health: boolean }} `proxies` are those in front of this server that are
 *   trusted
 */
function routesOptions(options = {}) {
  if (typeof options !== 'object' || options === null) {
    throw new TypeError(`The options must be an object, not ${described(options)}`)
  }
  const { path = DEFAULT_PATH, limit = DEFAULT_LIMIT, trustProxy = false } = options
  const { requireClientCertificate = false, matchHost = false, health = false } = options
  requirePath(path)
  requireLimit(limit)
  requireTrustProxy(trustProxy)
  requireBoolean('requireClientCertificate', requireClientCertificate)
  requireBoolean('matchHost', matchHost)
  requireBoolean('health', health)
  if (matchHost && !requireClientCertificate)
    throw new RangeError('The option matchHost needs requireClientCertificate: true')
  return { path, limit, proxies: Number(trustProxy), requireClientCertificate, matchHost, health }
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
