'use strict'

const { described, requireBoolean, routesOptions } = require('./core/options.js')

/**
 * Returns what `forRoot` needs. Throws a `TypeError` or `RangeError` that names the invalid option.
 *
 * @param {Record<string, unknown>} [options] as in `nestjs.d.ts`, of any types
 */
function rootOptions(options = {}) {
  routesOptions(options)
  const { global = true, ...routes } = options
  requireBoolean('global', global)
  return { global, routes }
}

/**
 * Returns what `forRootAsync` needs. Throws a `TypeError` that names the invalid option; the
 * options that the factory returns are checked when Nest has called it.
 *
 * @param {Record<string, unknown>} options as in `nestjs.d.ts`, of any types
 */
function asyncOptions(options) {
  if (typeof options !== 'object' || options === null)
    throw new TypeError(`The options must be an object with useFactory, not ${described(options)}`)
  const { global = true, imports = [], inject = [], useFactory } = options
  requireBoolean('global', global)
  requireArray('imports', imports)
  requireArray('inject', inject)
  if (typeof useFactory !== 'function')
    throw new TypeError(`The option useFactory must be a function, not ${described(useFactory)}`)
  return {
    global,
    imports,
    inject,
    useFactory: async (...injected) => checked(await useFactory(...injected)),
  }
}

function requireArray(name, value) {
  if (!Array.isArray(value))
    throw new TypeError(`The option ${name} must be an array, not ${described(value)}`)
}

/** Fastify would report an invalid option only when the application listens. */
function checked(routes) {
  routesOptions(routes)
  return routes
}

module.exports = { asyncOptions, rootOptions }
