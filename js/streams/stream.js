'use strict'

const { watchers } = require('../events/watchers.js')

/** How long a reader may take nothing before it is cut off, in ms. */
const MAX_BLOCKED_TIME = 60_000

/**
 * A stream to one reader. Nothing is queued for it: while it takes nothing, it is told nothing, and
 * afterwards the difference between what it was told and what is.
 */
class Stream {
  /** The number of the news that it was told last, and all that it knows. */
  view
  told
  /** The status that it was told last, as compared. */
  statusKey
  #response
  #source
  /** The HTTP server of its connection, if it listens. One that closes waits for streams. */
  #server
  /** The parts of the portion that is being written. */
  #parts
  /** Since when it has taken nothing. */
  #blockedAt
  /** Whether it was counted that this reader lags behind. */
  #isCounted = false
  #isOver = false
  #close

  /**
   * @param {import('node:http').ServerResponse} response whose head is written
   * @param {{ next: (stream: Stream) => Iterator<Uint8Array> | undefined, isEnding: boolean,
   *   lastText: (stream: Stream) => string }} source of its portions
   * @param {{ connection: import('../adapters/core/http/connection.js').Connection,
   *   server?: import('node:net').Server }} reader
   */
  constructor(response, source, { connection, server }) {
    this.#response = response
    this.#source = source
    this.#server = server?.listening ? server : undefined
    /** Resolves when nothing more can be written. */
    this.closed = new Promise((resolve) => {
      this.#close = () => {
        this.#isOver = true
        resolve()
      }
    })
    connection.onceOver(response, this.#close, ['close'])
  }

  /** Tells what there is to tell. */
  tell() {
    if (this.#blockedAt === undefined || this.#isOver) return this.#write()
    if (!this.#isCounted) watchers.overruns++
    this.#isCounted = true
    if (this.#source.isEnding) this.#end()
  }

  /** Shows the reader and all proxies between that the stream lives. */
  comment() {
    if (this.#blockedAt === undefined && !this.#isOver) this.#send(':\n\n')
  }

  /** Ends if the HTTP server closes, and cuts off a reader that has taken nothing for too long. */
  check(now) {
    if (this.#server?.listening === false) this.#end()
    else if (now - this.#blockedAt >= MAX_BLOCKED_TIME) this.destroy()
  }

  destroy() {
    const { stream } = this.#response
    if (stream) stream.destroy()
    else this.#response.destroy()
    // A response that waits for an earlier one on its connection does not emit `close`.
    this.#close()
  }

  #write() {
    while (this.#blockedAt === undefined && !this.#isOver) {
      this.#parts ??= this.#source.next(this)
      if (!this.#parts && !this.#source.isEnding) return
      if (!this.#parts) return this.#end()
      const { value, done } = this.#parts.next()
      if (done) this.#parts = undefined
      else this.#send(value)
    }
  }

  #end() {
    if (this.#isOver) return
    if (this.#blockedAt !== undefined) return this.destroy()
    this.#isOver = true
    this.#response.end(this.#source.lastText(this))
  }

  #send(part) {
    if (this.#response.write(part)) return
    this.#blockedAt = performance.now()
    this.#response.once('drain', () => {
      this.#blockedAt = undefined
      this.#isCounted = false
      this.#write()
    })
  }
}

module.exports = { Stream }
