'use strict'

const { setTimeout: pause } = require('node:timers/promises')
const { connectionFailure } = require('../http/connection-errors.js')
const { readEvents } = require('../http/event-stream.js')
const { MAX_STATUS } = require('../http/limits.js')
const { responseTo, shownUrl } = require('../http/request.js')
const { NOT_ALLOWED, UNREACHED } = require('../output/exit-codes.js')
const { Failure } = require('../output/failure.js')
const { isUnauthorized, parsed } = require('./list.js')
const { askForView } = require('./view.js')

/** How long a stream may be silent, in ms: it has a comment every 15 s. */
const SILENCE = 45_000

/** The time between two looks at the list of a server without a stream, in ms. */
const POLL_INTERVAL = 2_000

/** The pauses before a stream is opened again, in ms: they double from the first to the last. */
const FIRST_PAUSE = 500
const LAST_PAUSE = 30_000

/**
 * @typedef {object} Told
 * @property {'snapshot' | 'change' | 'status' | 'end' | 'list' | 'lost' | 'private'} event `list` is
 * a view, `lost` a reason
 * @property {object} [data]
 */

/**
 * Yields what a server tells: by its stream, or by its list if it has no stream. Opens the stream
 * again when it breaks, and goes on after what has come. Throws if the server cannot be asked at
 * first, or does not allow it.
 *
 * @param {string} baseUrl of a server that a person has named
 * @param {import('./list.js').Access} access
 * @returns {AsyncGenerator<Told, void>}
 */
async function* follow(baseUrl, access) {
  const position = { id: undefined }
  let hasBegun = false
  let delay = FIRST_PAUSE
  for (;;) {
    let reason = 'The stream has ended.'
    try {
      for await (const told of tellings(baseUrl, access, position)) {
        hasBegun = true
        delay = FIRST_PAUSE
        yield told
      }
    } catch (error) {
      if (!hasBegun || error.exitCode === NOT_ALLOWED) throw error
      reason = error.message
    }
    yield { event: 'lost', data: { reason } }
    // Spread, so that not all watchers come back at once.
    await pause(delay * (0.75 + Math.random() / 2))
    delay = Math.min(2 * delay, LAST_PAUSE)
  }
}

async function* tellings(baseUrl, access, position) {
  const { response, isPrivate } = await openStream(baseUrl, access, position)
  if (isPrivate) yield { event: 'private' }
  if (!response) {
    yield* poll(baseUrl, access)
    return
  }
  try {
    for await (const { event, data, id } of readEvents(response, { silence: SILENCE, limit: MAX_STATUS })) {
      position.id = id
      yield { event, data: parsed(data) }
    }
  } catch (error) {
    throw connectionFailure(error, { shown: baseUrl, timeout: access.timeout })
  }
}

/** Yields the view of a server again and again. */
async function* poll(baseUrl, access) {
  for (;;) {
    yield { event: 'list', data: await askForView(baseUrl, access) }
    await pause(POLL_INTERVAL)
  }
}

/** Opens the stream; resolves with no response if the server has none. */
async function openStream(baseUrl, { secrets, timeout, tls }, position) {
  const url = new URL(`${baseUrl}clustershazbot/watch`)
  const authorization = secrets.forReading
  const headers = {
    Accept: 'text/event-stream',
    ...(authorization !== undefined && { Authorization: authorization }),
    ...(position.id !== undefined && { 'Last-Event-ID': position.id }),
  }
  const response = await headOf(url, { headers, timeout, tls })
  if (response.statusCode === 200 && /^text\/event-stream/.test(response.headers['content-type'] ?? ''))
    return { response }
  response.destroy()
  const answer = { status: response.statusCode, headers: response.headers, text: '', url }
  if (answer.status === 503) throw busy(url)
  return { isPrivate: isUnauthorized(answer) }
}

/** Resolves with a response before its body, to which the timeout does not apply. */
async function headOf(url, { timeout, ...options }) {
  try {
    return await responseTo(url, { method: 'GET', headTimeout: timeout, ...options })
  } catch (error) {
    throw connectionFailure(error, { shown: shownUrl(url), timeout })
  }
}

function busy(url) {
  return new Failure(
    UNREACHED,
    `${shownUrl(url)} answered 503: its engine is not started, or it has too many watchers.`,
    'Try again in a while, or watch another server.',
  )
}

module.exports = { follow }
