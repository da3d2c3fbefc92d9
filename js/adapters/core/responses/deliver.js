'use strict'

// Node's own timers: those of a test environment may stand still.
const { setImmediate } = require('node:timers')
const { sizeOf, slicesOf } = require('./parts.js')
const { watchReader } = require('./reader-watch.js')
const { isHttp2 } = require('../http/request.js')

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
 * @param {() => void} [onOver] called when the response was sent or can no longer be
 */
function deliver(connection, response, parts, isForPeer, end, onOver) {
  const { progress, isOver } = watchReader(connection, response, onOver)
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

module.exports = { deliver }
