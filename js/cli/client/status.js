'use strict'

const { MAX_STATUS } = require('../http/limits.js')
const { isUnauthorized, parsed, refusalOf } = require('./list.js')
const { request } = require('../http/request.js')

/**
 * Asks a server for its status. Resolves with nothing if it has no such route, as servers of
 * version 1 and those that have not turned it on.
 *
 * @param {string} baseUrl of a server that a person has named
 * @param {import('./list.js').Access} access
 * @returns {Promise<{ status?: object, answer?: object, refusal?: import('../output/failure.js').Failure }>}
 * `refusal` if it does not accept the secret, or wants one
 */
async function askForStatus(baseUrl, { secrets, ...options }) {
  const authorization = secrets.forReading
  const url = `${baseUrl}clustershazbot/status`
  const answer = await request(url, { authorization, limit: MAX_STATUS, ...options })
  if (isUnauthorized(answer)) return { refusal: refusalOf(answer) }
  const status = answer.status === 200 ? parsed(answer.text) : undefined
  const isStatus = typeof status?.phase === 'string' && Array.isArray(status.servers)
  return isStatus ? { status, answer } : {}
}

module.exports = { askForStatus }
