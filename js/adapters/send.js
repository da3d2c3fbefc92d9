'use strict'

const { finished } = require('node:stream')

const HEADERS = { 'Content-Type': 'application/json', 'Cache-Control': 'no-store' }

/**
 * Sends an answer.
 *
 * @param {import('node:http').IncomingMessage} request
 * @param {import('node:http').ServerResponse} response
 * @param {{ status: number, parts: Uint8Array[], headers?: Record<string, string> }} answer
 */
function send(request, response, { status, parts, headers }) {
  // The other side may have gone meanwhile.
  if (response.headersSent || response.destroyed) return
  const size = parts.reduce((sum, part) => sum + part.length, 0)
  response.writeHead(status, { ...HEADERS, 'Content-Length': size, ...headers })
  if (request.complete !== false || awaitsLeave(request)) return void end(response, parts)
  // Who is still sending would miss the answer if that ended the connection.
  for (const part of parts) response.write(part)
  finished(request.resume(), () => response.end())
}

function end(response, parts) {
  const last = parts.length - 1
  for (const part of parts.slice(0, last)) response.write(part)
  response.end(parts[last])
}

/** Whether the other side sends its body only once it is told to; unless the program has its say there, Node does that. */
function awaitsLeave({ headers, socket }) {
  return headers.expect !== undefined && socket.server?.listenerCount('checkContinue') > 0
}

module.exports = { send, awaitsLeave }
