'use strict'

const http = require('node:http')
const https = require('node:https')
const { UNREACHED } = require('../output/exit-codes.js')
const { Failure } = require('../output/failure.js')
const { connectionFailure } = require('./connection-errors.js')
const { MAX_LIST, MAX_REDIRECTS } = require('./limits.js')

const REDIRECTS = [301, 302, 303, 307, 308]

/**
 * @typedef {object} Answer
 * @property {number} status
 * @property {import('node:http').IncomingHttpHeaders} headers
 * @property {string} text the body
 * @property {URL} url where the answer came from, after redirects
 * @property {number} sentAt when the request was sent, in ms since the epoch
 * @property {number} receivedAt when the head of the answer came
 * @property {object} [certificate] that of the server, with TLS
 */

/**
 * Sends a request and reads its answer, whatever its status. The timeout covers redirects and the
 * body.
 *
 * @param {string} url
 * @param {object} options
 * @param {number} options.timeout in ms
 * @param {object} [options.tls] options for https
 * @param {string} [options.method] GET by default; only this one follows redirects
 * @param {Record<string, string>} [options.headers]
 * @param {string} [options.authorization] not sent to another origin
 * @param {string} [options.body]
 * @param {number} [options.limit] the most bytes of an answer
 * @returns {Promise<Answer>}
 */
async function request(url, { authorization, method = 'GET', ...options }) {
  const signal = AbortSignal.timeout(options.timeout)
  let target = new URL(url)
  for (let redirects = 0; ; redirects++) {
    const headers = { ...options.headers, ...(authorization && { Authorization: authorization }) }
    const answer = await exchange(target, { ...options, method, headers, signal })
    const next = method === 'GET' ? redirectOf(answer) : undefined
    if (!next) return answer
    if (redirects === MAX_REDIRECTS) throw tooManyRedirects(url)
    if (next.origin !== target.origin) authorization = undefined
    target = next
  }
}

async function exchange(target, options) {
  const shown = shownUrl(target)
  const sentAt = Date.now()
  try {
    const response = await responseTo(target, options)
    const receivedAt = Date.now()
    const certificate = response.socket.getPeerCertificate?.()
    const text = await readText(response, { limit: options.limit ?? MAX_LIST, shown })
    const { statusCode: status, headers } = response
    return { status, headers, text, url: target, sentAt, receivedAt, certificate }
  } catch (error) {
    // Node reports an aborted body as a reset connection.
    const cause = options.signal.aborted ? options.signal.reason : error
    throw connectionFailure(cause, { shown, timeout: options.timeout })
  }
}

/**
 * Sends a request; resolves with the response before its body.
 *
 * @param {URL} target
 * @param {object} options as of `request`, with a `signal`, or a `headTimeout` in ms that ends before
 * the body
 * @returns {Promise<import('node:http').IncomingMessage>}
 */
function responseTo(target, { method, headers, body, signal, headTimeout, tls }) {
  const client = target.protocol === 'https:' ? https : http
  return new Promise((resolve, reject) => {
    const outgoing = client.request(target, {
      method,
      headers: {
        Accept: 'application/json',
        'Accept-Encoding': 'identity',
        Connection: 'close',
        ...(body !== undefined && { 'Content-Length': Buffer.byteLength(body) }),
        ...headers,
      },
      signal,
      ...tls,
    })
    const timer = headTimeout && setTimeout(() => outgoing.destroy(timedOut()), headTimeout)
    outgoing.on('response', (response) => {
      clearTimeout(timer)
      resolve(response)
    })
    // An error after the response is one of its body, which the reader of the body meets too.
    outgoing.on('error', (error) => {
      clearTimeout(timer)
      reject(error)
    })
    outgoing.end(body)
  })
}

const timedOut = () => new DOMException('There was no answer in time', 'TimeoutError')

async function readText(response, { limit, shown }) {
  if (Number(response.headers['content-length']) > limit) {
    response.destroy()
    throw tooLong(shown, limit)
  }
  const chunks = []
  let size = 0
  for await (const chunk of response) {
    size += chunk.length
    // Leaving the loop closes the connection.
    if (size > limit) throw tooLong(shown, limit)
    chunks.push(chunk)
  }
  return new TextDecoder().decode(Buffer.concat(chunks))
}

function redirectOf({ status, headers, url }) {
  const { location } = headers
  if (!REDIRECTS.includes(status) || !location || !URL.canParse(location, url)) return undefined
  const next = new URL(location, url)
  return /^https?:$/.test(next.protocol) ? next : undefined
}

function tooManyRedirects(url) {
  return new Failure(
    UNREACHED,
    `${shownUrl(url)} redirects more than ${MAX_REDIRECTS} times.`,
    'Use the URL to which it finally leads, and exclude the routes of this package from redirects.',
  )
}

function tooLong(shown, limit) {
  return new Failure(
    UNREACHED,
    `${shown} answers with more than ${limit / 1024 / 1024} MB.`,
    'Check that the URL is the base URL of a server.',
  )
}

/** A URL as messages show it: without the query, in which programs put secrets. */
function shownUrl(url) {
  const { origin, pathname } = new URL(url)
  return origin + pathname
}

module.exports = { request, responseTo, shownUrl }
