'use strict'

// Node's own timers: those of a test environment may stand still, or be numbers.
const { clearInterval, clearTimeout, setInterval, setTimeout } = require('node:timers')

/** How long a body waits for memory, in ms; its sender times out after 5 s. */
const TIMEOUT = 4_000

/** How long a sender may pause, and may take in total, while another body waits, in ms. */
const MAX_PAUSE = 1_000
const MAX_DURATION = 4_000

/** How often slow senders are checked while a body waits, in ms. */
const CHECK_INTERVAL = 100

/** A memory budget that bodies share, first come, first served. */
class MemoryBudget {
  #size
  #free
  #waiting = []
  #receiving = new Set()
  #watch

  /** @param {number} size in bytes */
  constructor(size) {
    this.#size = size
    this.#free = size
  }

  /**
   * Resolves with a reservation of `size` bytes, or with undefined after a timeout.
   *
   * @param {number} size
   * @param {() => void} abandon called if the sender is too slow while others wait
   * @returns {Promise<Reservation | undefined> | Reservation}
   *
   * @typedef {{ size: number, progress: () => void, received: () => void, release: () => void }}
   * Reservation
   */
  take(size, abandon) {
    if (this.#waiting.length === 0 && this.#fits(size)) return this.#admit(size, abandon)
    return new Promise((resolve) => {
      const waiter = { size, abandon, resolve }
      waiter.timer = setTimeout(() => this.#timeOut(waiter), TIMEOUT)
      this.#waiting.push(waiter)
      this.#watch ??= setInterval(() => this.#abandonSlowSenders(), CHECK_INTERVAL).unref()
    })
  }

  /**
   * Whether `size` bytes are free. A body larger than the whole budget gets it while nothing else
   * uses it.
   */
  #fits(size) {
    return size <= this.#free || this.#free === this.#size
  }

  #admit(size, abandon) {
    const startedAt = performance.now()
    const sender = { startedAt, latest: startedAt, abandon }
    let isHeld = true
    this.#free -= size
    this.#receiving.add(sender)
    return {
      size,
      progress: () => {
        sender.latest = performance.now()
      },
      received: () => this.#receiving.delete(sender),
      release: () => {
        if (!isHeld) return
        isHeld = false
        this.#receiving.delete(sender)
        this.#free += size
        this.#admitNext()
      },
    }
  }

  #admitNext() {
    while (this.#waiting.length > 0 && this.#fits(this.#waiting[0].size)) {
      const { size, abandon, resolve, timer } = this.#waiting.shift()
      clearTimeout(timer)
      resolve(this.#admit(size, abandon))
    }
    if (this.#waiting.length > 0) return
    clearInterval(this.#watch)
    this.#watch = undefined
  }

  #timeOut(waiter) {
    this.#waiting.splice(this.#waiting.indexOf(waiter), 1)
    waiter.resolve(undefined)
    this.#admitNext()
  }

  #abandonSlowSenders() {
    const now = performance.now()
    for (const { startedAt, latest, abandon } of this.#receiving)
      if (now - latest > MAX_PAUSE || now - startedAt > MAX_DURATION) abandon()
  }
}

module.exports = { MemoryBudget }
