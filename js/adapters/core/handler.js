'use strict'

const { requireRunning } = require('../../engine/lifecycle.js')
const { readBody } = require('./bodies/body.js')
const { requireCertificate, requireHostOf } = require('./http/client-certificate.js')
const { Connection } = require('./http/connection.js')
const { HttpError, errorResponse } = require('./http/http-error.js')
const { ROUTES } = require('./routes.js')
const { send } = require('./responses/send.js')

let refusalsModule

/** Loaded by the first rejected request, which keeps loading the adapters fast. */
function refusals() {
  refusalsModule ??= require('./refusals.js')
  return refusalsModule
}

/**
 * Returns a handler for the three routes, and for the probes if the option `health` is set.
 *
 * @param {ReturnType<import('./options.js').routesOptions>} options
 */
function handlerOf(options) {
  const { path, health } = options
  const all = health ? [...ROUTES, ...require('./probes.js').PROBES] : ROUTES
  const routes = new Map(all.map((route) => [path + route.path, route]))
  return (request, response, next) => {
    const route = routeOf(request, path, routes)
    if (!route && next) return void next()
    const connection = Connection.of(request)
    respond(route, { connection, request, response, options })
      .catch(errorResponse)
      .then((result) => {
        if (route && !route.probe && result.status >= 400)
          refusals().recordRejection(route, result, request, options.proxies)
        send(connection, request, response, result)
      })
  }
}

/**
 * Frameworks strip the mount path from `url`, and may mount the handler at the path of the routes
 * itself.
 */
function routeOf({ url, originalUrl = url }, path, routes) {
  const [pathname] = url.split('?', 1)
  const routePath = pathname.endsWith('/') ? pathname.slice(0, -1) : pathname
  const mount = originalUrl.slice(0, originalUrl.length - url.length)
  return routes.get(routePath) ?? (mount.endsWith(path) ? routes.get(path + routePath) : undefined)
}

async function respond(route, { connection, request, response, options }) {
  if (!route) throw new HttpError(404, 'Not found')
  const { methods, probe, authorize, senderOf, respond } = route
  if (!methods.includes(request.method)) {
    throw new HttpError(405, `The method must be ${methods[0]}`, { Allow: methods.join(', ') })
  }
  if (probe) return probe()
  requireRunning()
  const { authorization = '' } = request.headers
  let certificate
  try {
    if (options.requireClientCertificate) certificate = requireCertificate(request)
    authorize?.(authorization)
  } catch (error) {
    return refusals().refuse(error, request, options.proxies)
  }
  if (!authorize) {
    await connection.takeTurn(request, response)
    return respond(authorization).catch((error) => refusals().refuse(error, request, options.proxies))
  }
  const body = await readBody(request, response, options.limit)
  try {
    if (options.matchHost && senderOf && isRead(body)) {
      requireHostOf(certificate, senderOf(authorization, body))
    }
    const result = await respond(authorization, body)
    return result.status === 401 ? refusals().limit(result, request, options.proxies) : result
  } catch (error) {
    return refusals().refuse(error, request, options.proxies)
  } finally {
    body.release?.()
  }
}

const isRead = ({ parts, value }) => parts !== undefined || value !== undefined

module.exports = { handlerOf }
