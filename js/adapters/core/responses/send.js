'use strict'

const { deliver } = require('./deliver.js')
const { sizeOf } = require('./parts.js')
const { awaitsContinue, hasWholeBody, isHttp2 } = require('../http/request.js')
const { hold, release } = require('./shared-texts.js')
const { endAfterBody } = require('../bodies/unread-body.js')

const HEADERS = { 'Content-Type': 'application/json' }

/** Left out for a POST, whose response no cache keeps. */
const UNCACHED = { 'Cache-Control': 'no-store' }

/** The statuses that close the connection: the caller is rejected and may still be sending. */
const CLOSING = new Set([401, 404, 405, 413, 415, 429, 503])

/**
 * Sends a response.
 *
 * @param {import('../http/connection.js').Connection} connection
 * @param {import('node:http').IncomingMessage} request
 * @param {import('node:http').ServerResponse} response
 * @param {ResponseData} answer
 *
 * @typedef {object} ResponseData
 * @property {number} status
 * @property {Array<Uint8Array | string>} parts strings are short, and in ASCII
 * @property {Record<string, string>} [headers]
 * @property {object} [text] the shared text that the parts belong to
 * @property {boolean} [isForPeer] whether the caller has the secret
 * @property {boolean} [isSent] whether the route has sent it itself
 * @property {boolean} [drains] whether the unread body is received to its end
 */
function send(connection, request, response, { status, parts, headers, text, isForPeer, drains }) {
  // The caller may have disconnected.
  if (!connection.canRespond(response)) return
  const isWhole = hasWholeBody(request)
  const closes = !isHttp2(request) && (CLOSING.has(status) || !isWhole)
  const closing = closes ? { Connection: 'close' } : undefined
  const caching = request.method === 'POST' ? undefined : UNCACHED
  const length = { 'Content-Length': sizeOf(parts) }
  response.writeHead(status, { ...HEADERS, ...caching, ...length, ...closing, ...headers })
  if (text) hold(text)
  const onOver = text && (() => release(text))
  const endNow = isWhole || awaitsContinue(request)
  const end = endNow ? (last) => response.end(last) : (last) => endAfterBody(request, response, last, drains)
  deliver(connection, response, request.method === 'HEAD' ? [] : parts, isForPeer, end, onOver)
}

module.exports = { send }
