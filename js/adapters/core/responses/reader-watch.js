'use strict'

const { constants } = require('node:http2')
// Node's own timers: those of a test environment may stand still, or be numbers.
const { clearInterval, setInterval } = require('node:timers')
const { isHttp2 } = require('../http/request.js')

/**
 * How long a reader may read nothing before it is disconnected, and how often that is checked, in
 * ms.
 */
const TIMEOUT = 5_000
const CHECK_INTERVAL = 250

/** The checks of the responses in progress. One timer runs all, as each timer is expensive. */
const checks = new Set()
let timer

/**
 * Disconnects a reader that makes no progress; the caller reports the progress that it sees.
 *
 * @param {import('../http/connection.js').Connection} connection
 * @param {import('node:http').ServerResponse} response
 * @param {() => void} [onOver] called when the response was sent or can no longer be
 */
function watchReader(connection, response, onOver) {
  const isStream = isHttp2(response)
  let latest = performance.now()
  let queued
  const check = () => {
    const before = queued
    queued = isStream ? undefined : response.socket?._handle?.writeQueueSize
    // Without a socket, the response waits for an earlier one on this connection.
    const isQueued = !isStream && !response.socket
    if (isQueued || (before !== undefined && queued !== before)) latest = performance.now()
    if (performance.now() - latest < TIMEOUT) return
    if (isStream) response.stream.close(constants.NGHTTP2_CANCEL)
    else response.destroy()
  }
  checks.add(check)
  timer ??= setInterval(checkAll, CHECK_INTERVAL).unref()
  let isOver = false
  connection.onceOver(response, () => {
    isOver = true
    checks.delete(check)
    onOver?.()
  })
  return {
    progress() {
      latest = performance.now()
    },
    isOver: () => isOver,
  }
}

/** Stops the timer if there is nothing to check. */
function checkAll() {
  for (const check of checks) check()
  if (checks.size > 0) return
  clearInterval(timer)
  timer = undefined
}

module.exports = { watchReader }
