'use strict'

const { requireRunning } = require('../lifecycle.js')
const { readBody } = require('./body.js')
const { Refusal, answerOfError } = require('./refusal.js')
const { ROUTES } = require('./routes.js')

const PATH = '/clustershazbot'
const LIMIT = 16 * 1024 * 1024

/** A handler for the three routes; see `node.d.ts`. */
function shazbotHandler({ path = PATH, limit = LIMIT } = {}) {
  const routes = new Map(ROUTES.map((route) => [path + route.path, route]))
  return (request, response, next = () => send(response, answerOfError(new Refusal(404, 'Not found')))) => {
    const route = routeOf(request, path, routes)
    if (!route) return void next()
    answer(route, request, response, limit)
      .catch(answerOfError)
      .then((answered) => send(response, answered))
  }
}

/** Frameworks cut off `url` where the handler is mounted, which may be at the very path of the routes. */
function routeOf({ url, originalUrl = url }, path, routes) {
  const [asked] = url.split('?', 1)
  const own = asked.endsWith('/') ? asked.slice(0, -1) : asked
  const mount = originalUrl.slice(0, originalUrl.length - url.length)
  return routes.get(own) ?? (mount.endsWith(path) ? routes.get(path + own) : undefined)
}

async function answer({ methods, authorize, answer }, request, response, limit) {
  if (!methods.includes(request.method)) {
    throw new Refusal(405, `The method must be ${methods[0]}`, { Allow: methods.join(', ') })
  }
  requireRunning()
  const { authorization = '', expect } = request.headers
  if (!authorize) return answer(authorization)
  authorize(authorization)
  // Otherwise Node has said it already.
  if (expect && request.socket.server?.listenerCount('checkContinue') > 0) response.writeContinue()
  return answer(authorization, await readBody(request, limit))
}

function send(response, { status, bytes, headers }) {
  // The other side may have gone meanwhile.
  if (response.headersSent || response.destroyed) return
  response.writeHead(status, {
    'Content-Type': 'application/json',
    'Content-Length': bytes.length,
    'Cache-Control': 'no-store',
    ...headers,
  })
  response.end(bytes)
}

module.exports = { shazbotHandler }
