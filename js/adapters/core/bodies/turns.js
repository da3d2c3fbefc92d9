'use strict'

// Node's own timers: those of a test environment may stand still.
const { setImmediate } = require('node:timers')

/**
 * Bytes of a body after which other work gets its turn. Node.js itself would read up to 32 chunks
 * of 64 kB in one turn of the event loop.
 */
const BYTES_PER_TURN = 256 * 1024

/** Reads a long body in slices that take turns with other work. */
class Turns {
  #request
  #bytes = 0

  constructor(request) {
    this.#request = request
  }

  /** Adds bytes that were read. Pauses the request if they complete a slice. */
  add(bytes) {
    this.#bytes += bytes
    if (this.#bytes < BYTES_PER_TURN) return
    this.#bytes = 0
    this.#request.pause()
    setImmediate(() => this.#request.resume())
  }
}

module.exports = { Turns }
