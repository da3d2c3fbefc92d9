'use strict'

const { finished } = require('node:stream')

const HEADERS = { 'Content-Type': 'application/json', 'Cache-Control': 'no-store' }

/**
 * Sends an answer.
 *
 * @param {import('node:http').IncomingMessage} request
 * @param {import('node:http').ServerResponse} response
 * @param {{ status: number, bytes: Uint8Array, headers?: Record<string, string> }} answer
 */
function send(request, response, { status, bytes, headers }) {
  // The other side may have gone meanwhile.
  if (response.headersSent || response.destroyed) return
  response.writeHead(status, { ...HEADERS, 'Content-Length': bytes.length, ...headers })
  if (request.complete !== false || awaitsLeave(request)) return void response.end(bytes)
  // Who is still sending would miss the answer if that ended the connection.
  response.write(bytes)
  finished(request.resume(), () => response.end())
}

/** Whether the other side sends its body only once it is told to; unless the program has its say there, Node does that. */
function awaitsLeave({ headers, socket }) {
  return headers.expect !== undefined && socket.server?.listenerCount('checkContinue') > 0
}

module.exports = { send, awaitsLeave }
