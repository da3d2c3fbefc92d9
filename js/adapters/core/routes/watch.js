'use strict'

const { currentHub, MAX_STREAMS } = require('../../../streams/hub.js')
const { HttpError } = require('../http/http-error.js')
const { isHttp2 } = require('../http/request.js')

/** Compression middleware would hold back a response that may be transformed, and nginx any. */
const HEADERS = {
  'Content-Type': 'text/event-stream',
  'Cache-Control': 'no-store, no-transform',
  'X-Accel-Buffering': 'no',
}

/** A server that closes waits for idle connections, which a reader would leave behind. */
const HTTP1_HEADERS = { ...HEADERS, Connection: 'close' }

/** How long a rejected reader should wait, in seconds. */
const RETRY_AFTER = '10'

/**
 * Begins a stream of server-sent events.
 *
 * @param {import('./index.js').Call} call
 */
function answerWatch({ connection, request, response }) {
  const hub = currentHub()
  try {
    requireRoom(hub)
    // Nobody receives this status, which is that of nginx for the same case.
    if (!connection.canRespond(response)) throw new HttpError(499, 'The caller has disconnected')
    // Comments keep the connection alive, whatever timeout the program has set. Requests that a
    // framework injects have none.
    if (request.socket?.setTimeout) response.setTimeout(0)
    response.writeHead(200, isHttp2(request) ? HEADERS : HTTP1_HEADERS)
    if (request.method === 'HEAD') response.end()
    else hub.open(response, { since: sinceOf(request), connection, server: request.socket?.server })
    return { status: 200, isSent: true }
  } finally {
    hub.release()
  }
}

function requireRoom(hub) {
  if (!hub.isCurrent) throw new HttpError(503, 'The server is shutting down')
  if (!hub.isFull) return
  const message = `At most ${MAX_STREAMS} streams are open at once`
  throw new HttpError(503, message, { 'Retry-After': RETRY_AFTER }, 'limited')
}

/** The id of the last event that the reader has received; a browser knows it better than a URL. */
function sinceOf({ url, headers }) {
  const query = new URLSearchParams(url.slice(url.indexOf('?') + 1))
  return headers['last-event-id'] ?? query.get('since') ?? undefined
}

module.exports = { answerWatch }
