'use strict'

const { requireRunning } = require('../../engine/lifecycle.js')
const { readBody } = require('./bodies/body.js')
const { Connection } = require('./http/connection.js')
const { Refusal, answerOfError } = require('./http/refusal.js')
const { ROUTES } = require('./routes.js')
const { send } = require('./answers/send.js')

/** A handler for the three routes, for options that were checked. */
function handlerOf({ path, limit }) {
  const routes = new Map(ROUTES.map((route) => [path + route.path, route]))
  return (request, response, next) => {
    const route = routeOf(request, path, routes)
    if (!route && next) return void next()
    const connection = Connection.of(request)
    answer(route, { connection, request, response, limit })
      .catch(answerOfError)
      .then((answered) => send(connection, request, response, answered))
  }
}

/** Frameworks cut off `url` where the handler is mounted, which may be at the very path of the routes. */
function routeOf({ url, originalUrl = url }, path, routes) {
  const [asked] = url.split('?', 1)
  const own = asked.endsWith('/') ? asked.slice(0, -1) : asked
  const mount = originalUrl.slice(0, originalUrl.length - url.length)
  return routes.get(own) ?? (mount.endsWith(path) ? routes.get(path + own) : undefined)
}

async function answer(route, { connection, request, response, limit }) {
  if (!route) throw new Refusal(404, 'Not found')
  const { methods, authorize, answer } = route
  if (!methods.includes(request.method)) {
    throw new Refusal(405, `The method must be ${methods[0]}`, { Allow: methods.join(', ') })
  }
  requireRunning()
  const { authorization = '' } = request.headers
  if (!authorize) {
    await connection.takeTurn(request, response)
    return answer(authorization)
  }
  authorize(authorization)
  const body = await readBody(request, response, limit)
  try {
    return await answer(authorization, body)
  } finally {
    body.release?.()
  }
}

module.exports = { handlerOf }
