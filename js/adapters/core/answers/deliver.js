'use strict'

const { constants } = require('node:http2')
// The timers of Node.js itself: those of a test environment may stand still, or be numbers.
const { clearInterval, setImmediate, setInterval } = require('node:timers')
const { sizeOf, slicesOf } = require('./parts.js')
const { isHttp2 } = require('../http/request.js')

/** How long a reader may take nothing before it is cut off, and how often that is checked, in ms. */
const PATIENCE = 5_000
const LOOK_AGAIN = 250

/**
 * The bytes that are handed over at once. TLS copies them, and HTTP/2 does not tell how much of them was taken. Without
 * either, a peer is given all at once, which costs half as much.
 */
const SLICE = 128 * 1024
const HTTP2_SLICE = 16 * 1024

/** Slices of long answers that are written before others get their turn: some 2 ms, however many callers ask. */
const SLICES_A_TURN = 4

/** Long answers that can go on, first come, first served. */
const ready = []
let isScheduled = false

/**
 * Writes the parts as fast as the other side takes them.
 *
 * @param {import('../http/connection.js').Connection} connection
 * @param {import('node:http').ServerResponse} response
 * @param {Uint8Array[]} parts
 * @param {boolean} isForPeer
 * @param {(last?: Uint8Array) => void} end writes the last bytes and ends the answer
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
  const writeOn = () => {
    const { value } = next
    next = slices.next()
    if (isOver()) return
    if (next.done) return end(value)
    if (response.write(value)) inTurn(writeOn)
    else response.once('drain', goOn)
  }
  const goOn = () => {
    progress()
    inTurn(writeOn)
  }
  goOn()
}

/** Calls back soon, when others had their turn. */
function inTurn(write) {
  ready.push(write)
  schedule()
}

function schedule() {
  if (!isScheduled) setImmediate(takeTurns)
  isScheduled = true
}

function takeTurns() {
  isScheduled = false
  for (const write of ready.splice(0, SLICES_A_TURN)) write()
  if (ready.length > 0) schedule()
}

/** Cuts the reader off once it makes no progress; the caller tells what it sees of that. */
function watch(connection, response) {
  const isStream = isHttp2(response)
  let latest = performance.now()
  let queued
  const look = () => {
    const before = queued
    queued = isStream ? undefined : response.socket?._handle?.writeQueueSize
    // Without a socket, another answer of this connection stands before.
    const waits = !isStream && !response.socket
    if (waits || (before !== undefined && queued !== before)) latest = performance.now()
    if (performance.now() - latest < PATIENCE) return
    if (isStream) response.stream.close(constants.NGHTTP2_CANCEL)
    else response.destroy()
  }
  const timer = setInterval(look, LOOK_AGAIN).unref()
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
