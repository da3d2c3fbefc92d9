'use strict'

const { HttpError, tooLarge } = require('../http/http-error.js')
const { MemoryBudget } = require('./memory-budget.js')
const { awaitsContinue } = require('../http/request.js')
const { Turns } = require('./turns.js')

const MB = 1024 * 1024

/**
 * The size in bytes up to which a body is small, as those of probes, control messages and pages of
 * lists are.
 */
const SMALL_BODY = 64 * 1024

/** The largest accepted body in bytes. */
const MAX_BODY = 48 * MB

/**
 * The memory for bodies that are read or being answered: 16 MB for small ones, which never wait for
 * large ones, and 16 MB for large ones, or a single larger one. That makes 64 MB at most.
 */
const smallBodies = new MemoryBudget(16 * MB)
const largeBodies = new MemoryBudget(16 * MB)

/** Reads a body if memory allows. One of unknown size counts as small until it is longer. */
class BodyReader {
  #request
  #limit
  #reservation
  #settle
  #size = 0
  #turns
  /** Kept as parts, because joining them is expensive. */
  #parts = []

  constructor(request, limit) {
    this.#request = request
    this.#limit = limit
    this.#turns = new Turns(request)
  }

  /**
   * Resolves with the `parts` of the body and a function to `release` its memory, or with neither
   * if memory is exhausted.
   */
  async read(response, size = SMALL_BODY) {
    await this.#reserve(size)
    if (!this.#reservation) return {}
    if (awaitsContinue(this.#request)) response.writeContinue()
    return new Promise((resolve, reject) => {
      this.#settle = { resolve, reject }
      this.#request.on('data', (chunk) => this.#add(chunk))
      this.#request.on('end', () => this.#end())
      for (const end of ['error', 'close'])
        this.#request.on(end, () => this.#stop(new HttpError(400, 'The body is incomplete')))
      // The caller may have disconnected while the body waited.
      if (this.#request.destroyed) this.#stop(new HttpError(400, 'The body is incomplete'))
    })
  }

  async #reserve(size) {
    const budget = size > SMALL_BODY ? largeBodies : smallBodies
    const reservation = await budget.take(size, () => this.#stop())
    this.#reservation?.release()
    this.#reservation = reservation
  }

  #add(chunk) {
    if (!this.#settle) return
    this.#size += chunk.length
    this.#reservation.progress()
    if (this.#size > this.#limit) return this.#stop(tooLarge(this.#limit))
    this.#parts.push(typeof chunk === 'string' ? Buffer.from(chunk) : chunk)
    if (this.#size > this.#reservation.size) this.#grow()
    else this.#turns.add(chunk.length)
  }

  async #grow() {
    this.#request.pause()
    this.#reservation.received()
    await this.#reserve(this.#limit)
    // The caller may have disconnected while the body waited.
    if (!this.#settle) this.#reservation?.release()
    else if (!this.#reservation) this.#stop()
    this.#request.resume()
  }

  #end() {
    if (!this.#settle) return
    const { release, received } = this.#reservation
    received()
    this.#settle.resolve({ parts: this.#parts, release })
    this.#settle = undefined
  }

  /** Stops reading: with an error, or because memory is exhausted. */
  #stop(error) {
    if (!this.#settle) return
    this.#reservation?.release()
    this.#parts = []
    if (error) this.#settle.reject(error)
    else this.#settle.resolve({})
    this.#settle = undefined
  }
}

module.exports = { BodyReader, MAX_BODY }
