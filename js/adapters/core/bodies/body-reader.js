'use strict'

const { Refusal, tooLarge } = require('../http/refusal.js')
const { Room } = require('./room.js')
const { awaitsContinue } = require('../http/request.js')

const MB = 1024 * 1024

/** The size in bytes up to which a body is a small one, as probes, orders and pages of lists are. */
const SMALL_BODY = 64 * 1024

/** The largest body in bytes that there is room for. */
const LARGEST_BODY = 48 * MB

/**
 * Room for the bodies that are read or answered at one time: 16 MB for small ones, which never wait for large ones, and 16 MB
 * for large ones, or for one that is larger. That makes 64 MB at most.
 */
const smallBodies = new Room(16 * MB)
const largeBodies = new Room(16 * MB)

/** Reads a body as far as there is room for it. One of unknown size counts as a small one until it is longer. */
class BodyReader {
  #request
  #limit
  #place
  #settle
  #size = 0
  /** Kept apart, as joining them is expensive. */
  #parts = []

  constructor(request, limit) {
    this.#request = request
    this.#limit = limit
  }

  /** Resolves with the `parts` of the body and how to `release` its room, or with neither if there is no room for it. */
  async read(response, size = SMALL_BODY) {
    await this.#takePlace(size)
    if (!this.#place) return {}
    if (awaitsContinue(this.#request)) response.writeContinue()
    return new Promise((resolve, reject) => {
      this.#settle = { resolve, reject }
      this.#request.on('data', (chunk) => this.#add(chunk))
      this.#request.on('end', () => this.#end())
      for (const end of ['error', 'close'])
        this.#request.on(end, () => this.#stop(new Refusal(400, 'The body broke off')))
      // The other side may have gone while the body waited.
      if (this.#request.destroyed) this.#stop(new Refusal(400, 'The body broke off'))
    })
  }

  async #takePlace(size) {
    const room = size > SMALL_BODY ? largeBodies : smallBodies
    const place = await room.take(size, () => this.#stop())
    this.#place?.release()
    this.#place = place
  }

  #add(chunk) {
    if (!this.#settle) return
    this.#size += chunk.length
    this.#place.progress()
    if (this.#size > this.#limit) return this.#stop(tooLarge(this.#limit))
    this.#parts.push(typeof chunk === 'string' ? Buffer.from(chunk) : chunk)
    if (this.#size > this.#place.size) this.#grow()
  }

  async #grow() {
    this.#request.pause()
    this.#place.received()
    await this.#takePlace(this.#limit)
    // The other side may have gone while the body waited.
    if (!this.#settle) this.#place?.release()
    else if (!this.#place) this.#stop()
    this.#request.resume()
  }

  #end() {
    if (!this.#settle) return
    const { release, received } = this.#place
    received()
    this.#settle.resolve({ parts: this.#parts, release })
    this.#settle = undefined
  }

  /** Reads no further: because of the error, or because there is no room. */
  #stop(error) {
    if (!this.#settle) return
    this.#place?.release()
    this.#parts = []
    if (error) this.#settle.reject(error)
    else this.#settle.resolve({})
    this.#settle = undefined
  }
}

module.exports = { BodyReader, LARGEST_BODY }
