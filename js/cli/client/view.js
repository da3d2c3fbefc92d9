'use strict'

const { SECOND } = require('../output/durations.js')
const { normalised } = require('../http/base-url.js')
const { askForList } = require('./list.js')
const { askForStatus } = require('./status.js')

/** Clocks that differ by less are taken for equal, since a `Date` header has whole seconds. */
const MIN_CLOCK_DIFFERENCE = 2 * SECOND

const ORDER = ['online', 'suspect', 'dead', 'left', 'offline']

/**
 * @typedef {object} Server a server as the asked one sees it
 * @property {string} baseUrl
 * @property {boolean} monitor
 * @property {number} lastUpdate
 * @property {'online' | 'suspect' | 'dead' | 'left' | 'offline'} state `offline` if only the list
 * tells it
 * @property {number | null} since when it has that state, in ms since the epoch
 * @property {string | null} cause how the asked server knows
 * @property {'native' | 'legacy' | 'unknown'} language
 * @property {boolean} self
 *
 * @typedef {object} View
 * @property {string} asked the base URL that was asked
 * @property {'status' | 'list'} source the route that has answered
 * @property {Server[]} servers
 * @property {boolean} hasOffline whether the servers offline are among them
 * @property {object} [status] what the status tells of the asked server itself
 * @property {boolean} [isPrivate] whether the status needs a valid secret
 * @property {number} now the time on the clock of the asked server
 */

/**
 * Asks a server that a person has named what it sees: by its status, or by its list.
 *
 * @param {string} baseUrl
 * @param {import('./list.js').Access} access
 * @returns {Promise<View>}
 */
async function askForView(baseUrl, access) {
  const { status, answer, refusal } = await askForStatus(baseUrl, access)
  if (status) return viewOfStatus(baseUrl, status, answer)
  const fromList = await askForList(baseUrl, access, { isNamed: true })
  // A program may let others than the holders of secrets see its status.
  const isRight = fromList.list.offline !== undefined
  if (refusal && access.secrets.forReading !== undefined && !isRight) throw refusal
  return { ...viewOfList(baseUrl, fromList), isPrivate: refusal !== undefined }
}

function viewOfStatus(asked, { servers, ...status }, answer) {
  const own = normalised(status.baseUrl ?? asked)
  const listed = servers
    .filter((server) => typeof server?.baseUrl === 'string')
    .map((server) => {
      const { baseUrl, monitor, lastUpdate, state, since = null, cause = null, language = 'unknown' } = server
      const self = normalised(baseUrl) === own
      return { baseUrl, monitor, lastUpdate, state, since, cause, language, self }
    })
  return { asked, source: 'status', servers: sorted(listed), hasOffline: true, status, now: clockOf(answer) }
}

/**
 * @param {string} asked
 * @param {{ list: import('./list.js').List, answer: import('../http/request.js').Answer }} answer
 * @returns {View}
 */
function viewOfList(asked, { list, answer }) {
  const unknown = { since: null, cause: null, language: 'unknown' }
  const as =
    (state) =>
    ({ baseUrl, monitor, lastUpdate }) => {
      return { baseUrl, monitor, lastUpdate, state, ...unknown, self: normalised(baseUrl) === asked }
    }
  const servers = [...list.online.map(as('online')), ...(list.offline ?? []).map(as('offline'))]
  const hasOffline = list.offline !== undefined
  return { asked, source: 'list', servers: sorted(servers), hasOffline, now: clockOf(answer) }
}

/** The time on the clock of a server when this function is called. */
function clockOf(answer) {
  const difference = clockDifference(answer)
  return Date.now() + (Math.abs(difference) < MIN_CLOCK_DIFFERENCE ? 0 : difference)
}

/**
 * How far the clock of a server is ahead of the own one, in ms; 0 if it does not tell. The error is
 * half a second and the time of the answer.
 */
function clockDifference({ headers, sentAt, receivedAt }) {
  const date = Date.parse(headers.date)
  return Number.isNaN(date) ? 0 : date + SECOND / 2 - (sentAt + receivedAt) / 2
}

/** Online servers first, then by URL, with numbers by their value. */
function sorted(servers) {
  const { compare } = new Intl.Collator('en', { numeric: true })
  const rank = ({ state }) => Math.max(1, ORDER.indexOf(state))
  return servers.sort((one, other) => rank(one) - rank(other) || compare(one.baseUrl, other.baseUrl))
}

module.exports = { askForView, clockDifference, viewOfList }
