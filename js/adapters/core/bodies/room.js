'use strict'

// The timers of Node itself: those of a test environment may stand still, or be numbers.
const { clearInterval, clearTimeout, setInterval, setTimeout } = require('node:timers')

/** How long a body waits for room, in ms: its sender gives up after 5 s. */
const PATIENCE = 4_000

/** How long a sender may pause, and may take in all, while another body waits, in ms. */
const LONGEST_PAUSE = 1_000
const LONGEST_TIME = 4_000

/** How often slow senders are looked for while a body waits, in ms. */
const LOOK_AGAIN = 100

/** A number of bytes that bodies share. They get room in the order in which they ask for it. */
class Room {
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
   * Resolves with a place for so many bytes as soon as there is room, or with undefined if that takes too long.
   *
   * @param {number} size
   * @param {() => void} cutOff called if the sender is too slow while others wait
   * @returns {Promise<Place | undefined> | Place}
   *
   * @typedef {{ size: number, progress: () => void, received: () => void, release: () => void }} Place
   */
  take(size, cutOff) {
    if (this.#waiting.length === 0 && this.#has(size)) return this.#admit(size, cutOff)
    return new Promise((resolve) => {
      const asking = { size, cutOff, resolve }
      asking.timer = setTimeout(() => this.#giveUp(asking), PATIENCE)
      this.#waiting.push(asking)
      this.#watch ??= setInterval(() => this.#cutOffSlowSenders(), LOOK_AGAIN).unref()
    })
  }

  /** Whether there is room for so many bytes. More than there ever is get it while nobody else has any. */
  #has(size) {
    return size <= this.#free || this.#free === this.#size
  }

  #admit(size, cutOff) {
    const began = performance.now()
    const sender = { began, latest: began, cutOff }
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
    while (this.#waiting.length > 0 && this.#has(this.#waiting[0].size)) {
      const { size, cutOff, resolve, timer } = this.#waiting.shift()
      clearTimeout(timer)
      resolve(this.#admit(size, cutOff))
    }
    if (this.#waiting.length > 0) return
    clearInterval(this.#watch)
    this.#watch = undefined
  }

  #giveUp(asking) {
    this.#waiting.splice(this.#waiting.indexOf(asking), 1)
    asking.resolve(undefined)
    this.#admitNext()
  }

  #cutOffSlowSenders() {
    const now = performance.now()
    for (const { began, latest, cutOff } of this.#receiving)
      if (now - latest > LONGEST_PAUSE || now - began > LONGEST_TIME) cutOff()
  }
}

module.exports = { Room }
