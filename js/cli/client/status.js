'use strict'

const { MAX_STATUS } = require('../http/limits.js')
const { isUnauthorized, parsed, requireAnswer } = require('./list.js')
const { request } = require('../http/request.js')

/**
 * Asks a server for its status. Resolves with nothing if it has no such route, as servers of
 * version 1 and those that have not turned it on, or if it wants a secret and none is known.
 *
 * @param {string} baseUrl of a server that a person has named
 * @param {import('./list.js').Access} access
 * @returns {Promise<{ status?: object, isPrivate?: boolean }>}
 */
async function askForStatus(baseUrl, { secrets, ...options }) {
  const authorization = secrets.forReading
  const answer = await request(`${baseUrl}clustershazbot/status`, {
    authorization,
    limit: MAX_STATUS,
    ...options,
  })
  if (isUnauthorized(answer)) {
    if (authorization === undefined) return { isPrivate: true }
    requireAnswer(answer)
  }
  const status = answer.status === 200 ? parsed(answer.text) : undefined
  const isStatus = typeof status?.phase === 'string' && Array.isArray(status.servers)
  return isStatus ? { status, answer } : {}
}

module.exports = { askForStatus }
