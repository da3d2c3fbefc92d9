'use strict'

const { requireRunning } = require('../../engine/lifecycle.js')
const { received } = require('../../requests/index.js')
const { readBody } = require('./bodies/body.js')
const { requireCertificate, requireHostOf } = require('./http/client-certificate.js')
const { Connection } = require('./http/connection.js')
const { HttpError, errorResponse } = require('./http/http-error.js')
const { routesOf } = require('./routes/index.js')
const { send } = require('./responses/send.js')

let refusalsModule
let readersModule

/** Loaded by the first rejected request, which keeps loading the adapters fast. */
function refusals() {
  refusalsModule ??= require('./refusals.js')
  return refusalsModule
}

/** Loaded by the first request of a reader. */
function readers() {
  readersModule ??= require('./readers.js')
  return readersModule
}

/**
 * Returns a handler for the three routes, and for those that the options add. Its last argument is
 * the request as the framework's programs know it.
 *
 * @param {ReturnType<import('./options.js').routesOptions>} options
 */
function handlerOf(options) {
  const routes = routesOf(options)
  return (request, response, next, known = request) => {
    const route = routeOf(request, options.path, routes)
    if (!route && next) return void next()
    const connection = Connection.of(request)
    respond(route, { connection, request, response, known, options })
      .catch(errorResponse)
      .then((result) => {
        if (route && !route.open) recordOutcome(route, result, request, options.proxies)
        if (!result.isSent) send(connection, request, response, result)
      })
  }
}

function recordOutcome(route, result, request, proxies) {
  if (result.status >= 400) refusals().recordRejection(route, result, request, proxies)
  // The engine counts the gossip that it accepts.
  else if (route.path !== '/gossip')
    received().countReceived(route.path.slice(1), request.headers.authorization, 'ok')
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

async function respond(route, call) {
  if (!route) throw new HttpError(404, 'Not found')
  const { request, options } = call
  if (!route.methods.includes(request.method)) {
    const [usual] = route.methods
    throw new HttpError(405, `The method must be ${usual}`, { Allow: route.methods.join(', ') })
  }
  if (route.open) return route.open(call)
  requireRunning()
  let certificate
  try {
    if (options.requireClientCertificate) certificate = requireCertificate(request)
    if (route.show) await readers().requireReader(call)
  } catch (error) {
    return refusals().refuse(error, request, options.proxies)
  }
  if (route.show) return route.show(call)
  return route.authorize ? respondToBody(route, call, certificate) : respondToAll(route, call)
}

async function respondToAll({ respond }, { connection, request, response, options }) {
  await connection.takeTurn(request, response)
  const { authorization = '' } = request.headers
  return respond(authorization).catch((error) => refusals().refuse(error, request, options.proxies))
}

/** Answers those whose header the route accepts, which is checked before the body is read. */
async function respondToBody({ authorize, senderOf, respond }, { request, response, options }, certificate) {
  const { authorization = '' } = request.headers
  let ticket
  try {
    ticket = authorize(authorization)
  } catch (error) {
    return refusals().refuse(error, request, options.proxies)
  }
  const body = await readBody(request, response, options.limit)
  try {
    if (options.matchHost && senderOf && isRead(body)) {
      requireHostOf(certificate, senderOf(authorization, body))
    }
    const result = await respond(authorization, body, ticket)
    return result.status === 401 ? refusals().limit(result, request, options.proxies) : result
  } catch (error) {
    return refusals().refuse(error, request, options.proxies)
  } finally {
    body.release?.()
  }
}

const isRead = ({ parts, value }) => parts !== undefined || value !== undefined

module.exports = { handlerOf }
