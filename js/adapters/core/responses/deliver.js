'use strict'

const { constants } = require('node:http2')
// Node's own timers: those of a test environment may stand still, or be numbers.
const { clearInterval, setImmediate, setInterval } = require('node:timers')
const { sizeOf, slicesOf } = require('./parts.js')
const { isHttp2 } = require('../http/request.js')

/**
 * How long a reader may read nothing before it is disconnected, and how often that is checked, in
 * ms.
 */
const TIMEOUT = 5_000
const CHECK_INTERVAL = 250

/**
 * Bytes written at once. TLS copies them, and HTTP/2 does not report how many were taken. Without
 * either, a peer is sent everything at once, which costs half as much.
 */
const SLICE = 128 * 1024
const HTTP2_SLICE = 16 * 1024

/**
 * Slices of long responses written before other work gets its turn: about 2 ms, however many
 * callers there are.
 */
const SLICES_PER_TURN = 4

/** Long responses that can be continued, first come, first served. */
const ready = []
let isScheduled = false

/**
 * Writes the parts as fast as the reader takes them.
 *
 * @param {import('../http/connection.js').Connection} connection
 * @param {import('node:http').ServerResponse} response
 * @param {Array<Uint8Array | string>} parts strings are short, and in ASCII
 * @param {boolean} isForPeer
 * @param {(last?: Uint8Array | string) => void} end writes the last bytes and ends the response
 */
function deliver(connection, response, parts, isForPeer, end) {
  const { progress, isOver } = watch(connection, response)
  const isCopied = isHttp2(response) || response.socket?.encrypted
  if (sizeOf(parts) <= SLICE || (isForPeer && !isCopied)) {
    for (const part of parts.slice(0, -1)) response.write(part)
    return end(parts.at(-1))
  }
  const slices = slicesOf(parts, isHttp2(response) ? HTTP2_SLICE : SLICE)
  let next = slices.next()
  const writeNext = () => {
    const { value } = next
    next = slices.next()
    if (isOver()) return
    if (next.done) return end(value)
    if (response.write(value)) enqueue(writeNext)
    else response.once('drain', resume)
  }
  const resume = () => {
    progress()
    enqueue(writeNext)
  }
  resume()
}

/** Calls `write` soon, after other work has had its turn. */
function enqueue(write) {
  ready.push(write)
  schedule()
}

function schedule() {
  if (!isScheduled) setImmediate(takeTurns)
  isScheduled = true
}

function takeTurns() {
  isScheduled = false
  for (const write of ready.splice(0, SLICES_PER_TURN)) write()
  if (ready.length > 0) schedule()
}

/** Disconnects a reader that makes no progress; the caller reports the progress that it sees. */
function watch(connection, response) {
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
  const timer = setInterval(check, CHECK_INTERVAL).unref()
  let isOver = false
  connection.onceOver(response, () => {
    isOver = true
    clearInterval(timer)
  })
  return {
    progress() {
      latest = performance.now()
    },
    isOver: () => isOver,
  }
}

module.exports = { deliver }
