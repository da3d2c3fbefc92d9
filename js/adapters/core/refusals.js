'use strict'

const { isRejection, toPublicError } = require('../../engine/errors.js')
const { rejections } = require('../../requests/index.js')
const { addressOf, networkOf } = require('./http/address.js')
const { FailureLimit } = require('./http/failure-limit.js')
const { errorResponse, jsonResponse } = require('./http/http-error.js')

const failures = new FailureLimit()

/** The response to one failed authorization too many; the next is allowed within a second. */
const TOO_MANY_FAILURES = errorResponse({
  status: 429,
  message: 'Too many requests without the secret',
  headers: { 'Retry-After': '1' },
})

/**
 * Returns the response to a failed authorization. Only requests that fail anyway are limited, so
 * nobody is locked out. The addon's error is not made a public one, which would cost more than all
 * the rest.
 *
 * @param {Error & { code: string, reason?: string }} error of the addon, or its public form
 * @param {import('node:http').IncomingMessage} request
 * @param {number} proxies
 */
function refuse(error, request, proxies) {
  const reason = isRejection(error) ? error.code : error.reason
  if (!reason && error.code !== 'SHAZBOT_UNAUTHORIZED') throw toPublicError(error)
  return limit({ ...jsonResponse({ error: error.message }, 401), reason }, request, proxies)
}

/**
 * Returns the response to a failed authorization, or another one if there were too many.
 *
 * @param {{ status: number }} response
 * @param {import('node:http').IncomingMessage} request
 * @param {number} proxies
 */
function limit(response, request, proxies) {
  const address = addressOf(request, proxies)
  const network = address === undefined ? '' : networkOf(address)
  return failures.allows(network, performance.now()) ? response : TOO_MANY_FAILURES
}

/**
 * Counts a request that was rejected.
 *
 * @param {{ path: string }} route
 * @param {{ status: number, reason?: string }} response
 * @param {import('node:http').IncomingMessage} request
 * @param {number} proxies
 */
function recordRejection(route, response, request, proxies) {
  const reason = rejections().reasonOf(response)
  if (!reason) return
  const { authorization } = request.headers
  rejections().record(reason, {
    route: route.path.slice(1),
    authorization,
    address: addressOf(request, proxies),
  })
}

module.exports = { refuse, limit, recordRejection }
