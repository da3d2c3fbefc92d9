'use strict'

const { printable } = require('../../engine/printable.js')
const { NOT_ALLOWED, UNREACHED, WRONG } = require('../output/exit-codes.js')
const { Failure } = require('../output/failure.js')
const { request, shownUrl } = require('../http/request.js')
const { signedList } = require('../http/signing.js')

/** The longest base URL, in characters, as for the engine. */
const MAX_BASE_URL = 512

/** The routes of every version answer so while no engine runs. */
const NOT_STARTED = 'Clustershazbot engine not started'

/**
 * @typedef {{ baseUrl: string, monitor: boolean, lastUpdate: number }} Entry
 * @typedef {{ online: Entry[], offline?: Entry[] }} List
 */

/**
 * @typedef {object} Access how servers are asked
 * @property {import('../http/secrets.js').Secrets} secrets
 * @property {number} timeout in ms
 * @property {object} tls options for https
 */

/**
 * Asks a server for its list, which servers of every version show. The secret itself goes only to a
 * server that a person has named. Otherwise the request is signed, if it needs a secret.
 *
 * @param {string} baseUrl
 * @param {Access} access
 * @param {{ isNamed?: boolean }} [options]
 * @returns {Promise<{ list: List, answer: import('../http/request.js').Answer }>}
 */
async function askForList(baseUrl, { secrets, ...options }, { isNamed = false } = {}) {
  const ask = (authorization) => request(`${baseUrl}clustershazbot/list`, { authorization, ...options })
  const authorization = isNamed ? secrets.forList : undefined
  let answer = await ask(authorization)
  const secret = authorization === undefined ? (secrets.forList ?? secrets.forGossip) : undefined
  if (isUnauthorized(answer) && secret !== undefined) answer = await signedList(baseUrl, ask, secret)
  return { list: listIn(answer), answer }
}

/** Whether a server rejects the secret. Hand-written routes of version 1 answer so with a 500. */
function isUnauthorized({ status, text }) {
  return status === 401 || status === 403 || (status >= 400 && errorIn(text)?.startsWith('Unauthorized'))
}

/** Returns the list in an answer. Throws a failure that says what the answer is instead. */
function listIn(answer) {
  requireAnswer(answer)
  const list = parsed(answer.text)
  if (!Array.isArray(list?.online)) throw noList(answer)
  const online = list.online.filter(isEntry)
  return Array.isArray(list.offline) ? { online, offline: list.offline.filter(isEntry) } : { online }
}

/** Throws unless the status of an answer is a success. */
function requireAnswer(answer) {
  const { status, text, url } = answer
  const shown = shownUrl(url)
  if (text.includes(NOT_STARTED))
    throw new Failure(
      WRONG,
      `${shown} answers, but its engine is not started.`,
      'Look into the log of the server: shazbotStart() was not called, was rejected, or has not begun yet.',
    )
  if (isUnauthorized(answer)) throw refusalOf(answer)
  if (status === 404 || status === 405)
    throw new Failure(
      UNREACHED,
      `${shown} answered ${status}: the routes of clustershazbot are not there.`,
      'Check that the URL is the base URL of a server, with the prefix of a proxy if there is one.',
    )
  if (status === 429)
    throw new Failure(NOT_ALLOWED, `${shown} answered 429: too many requests.`, 'Try again in a minute.')
  if (status < 200 || status > 299)
    throw new Failure(
      UNREACHED,
      `${shown} answered ${status}${said(text)}.`,
      'Look into the log of the server, and of the proxy before it.',
    )
}

/** Returns the failure of a request whose secret is not accepted. */
function refusalOf({ status, text, url }) {
  if (errorIn(text)?.includes('client certificate'))
    return new Failure(
      NOT_ALLOWED,
      `${shownUrl(url)} answered ${status}: it wants a client certificate that it trusts.`,
      'Set SHAZBOT_TLS_CERT and SHAZBOT_TLS_KEY to the PEM files of one.',
    )
  return new Failure(
    NOT_ALLOWED,
    `${shownUrl(url)} answered ${status}: it does not accept the secret, or wants one.`,
    'Set SHAZBOT_CONTROL_SECRET to that of the servers (for a status or a stream, SHAZBOT_READ_SECRET does), or ' +
      'name its file with --secret-file.',
  )
}

/** Whether another program has answered, such as a log-in. */
function isWebPage({ text, headers }) {
  return /html/.test(headers['content-type'] ?? '') || /^\s*</.test(text)
}

function noList(answer) {
  const isPage = isWebPage(answer)
  return new Failure(
    UNREACHED,
    `${shownUrl(answer.url)} answers with ${isPage ? 'a web page' : 'something other than a list of servers'}.`,
    isPage
      ? 'Check that the URL is the base URL of a server. A log-in page or the start page of an application ' +
          'may answer in its place: mount the routes before it.'
      : 'Check that the URL is the base URL of a server, and that no interceptor wraps the answers of its routes.',
  )
}

/** The error that an answer says, for messages. */
function said(text) {
  const error = errorIn(text)
  return error === undefined ? '' : `: ${printable(error)}`
}

function errorIn(text) {
  const value = parsed(text)
  const error = value?.error ?? value?.message
  return typeof error === 'string' ? error : undefined
}

function parsed(text) {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

function isEntry(entry) {
  return typeof entry?.baseUrl === 'string' && entry.baseUrl.length <= MAX_BASE_URL
}

module.exports = { askForList, isUnauthorized, isWebPage, listIn, parsed, refusalOf, requireAnswer }
