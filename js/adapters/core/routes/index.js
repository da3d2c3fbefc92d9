'use strict'

/**
 * A route. It has one of three functions, which return a response or a promise of one:
 *
 * - `open` answers everybody, and needs no engine: it shows nothing that is worth hiding.
 * - `show` answers those who may look: with the read secret, the control secret, or the consent of
 *   the option `authorize`.
 * - `respond` answers everybody, or those whom `authorize` lets pass by throwing nothing. It is
 *   given the `Authorization` header. If there is `authorize`, the body and its result follow.
 *
 * @typedef {object} Route
 * @property {string} path below the path of all routes
 * @property {string[]} methods the first one is the usual one
 * @property {(call: Call) => Answer | Promise<Answer>} [open]
 * @property {(call: Call) => Answer | Promise<Answer>} [show]
 * @property {(authorization: string) => unknown} [authorize] throws the addon's error before the
 *   body is read
 * @property {(authorization: string, body: object) => string | null} [senderOf] returns the URL of
 *   the server that sent a message
 * @property {(authorization: string, body?: object, authorized?: unknown) => Promise<Answer>} [respond]
 *
 * @typedef {import('../responses/send.js').ResponseData} Answer
 *
 * @typedef {object} Call one request
 * @property {import('../http/connection.js').Connection} connection
 * @property {import('node:http').IncomingMessage} request
 * @property {import('node:http').ServerResponse} response
 * @property {ReturnType<import('../options.js').routesOptions>} options
 */

/** The routes that each option adds. They are loaded only if it is set. */
const ROUTES_OF_OPTIONS = {
  health: () => require('./probes.js').ROUTES,
  watch: () => require('./watched.js').ROUTES,
  metrics: () => require('./metrics.js').ROUTES,
  dashboard: () => require('./dashboard.js').ROUTES,
}

/**
 * Returns the routes by their whole paths.
 *
 * @param {Record<string, unknown>} options of the adapter, with defaults
 * @returns {Map<string, Route>}
 */
function routesOf(options) {
  const added = Object.entries(ROUTES_OF_OPTIONS).filter(([option]) => options[option])
  const routes = [...require('./cluster.js').ROUTES, ...added.flatMap(([, routes]) => routes())]
  return new Map(routes.map((route) => [options.path + route.path, route]))
}

module.exports = { routesOf }
