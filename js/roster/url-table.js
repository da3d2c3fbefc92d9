'use strict'

const { UrlIndex } = require('./url-index.js')

const SMALLEST_ROOM = 64

/** Characters of the longest base URL; looking up a longer one would only cost time. */
const LONGEST = 512

// Where in `following` there is what comes first in each list, and then what comes after each slot.
const BEFORE_ONLINE = 0
const BEFORE_OFFLINE = 1
const FIRST = 2

/** The base URLs of all known servers by their roster slots, as the addon tells them; slot 0 is this server's own. */
class UrlTable {
  #index

  constructor() {
    this.urls = []
    this.#index = new UrlIndex(this.urls)
    /** Which slot was named after each one lately: a guess that spares most look-ups. */
    this.following = inOrder(SMALLEST_ROOM)
    /** How far such guesses are trusted. */
    this.patience = 1
  }

  /**
   * The slot of a server; undefined if no server has this URL.
   *
   * @param {string} url
   */
  find(url) {
    if (url.length > LONGEST) return undefined
    return this.#index.find(url)
  }

  /**
   * Takes in URLs that are new or have moved; another engine tells all of them.
   *
   * @param {{ slots: Uint32Array, baseUrls: string }} news
   * @param {number} count of all
   */
  learn({ slots, baseUrls: json }, count) {
    const baseUrls = JSON.parse(json)
    for (const slot of slots) if (slot < this.urls.length) this.#vacate(slot)
    for (let slot = count; slot < this.urls.length; slot++) this.#vacate(slot)
    if (count < this.urls.length) this.urls.length = count
    for (let index = 0; index < slots.length; index++) this.urls[slots[index]] = baseUrls[index]
    this.#index.add(slots)
    if (count + FIRST > this.following.length) {
      const longer = inOrder(count * 2)
      longer.set(this.following)
      this.following = longer
    }
  }

  #vacate(slot) {
    this.#index.forget(this.urls[slot])
  }
}

/** Each slot with the next one after it, which is right where a list comes in the order that is kept here. */
function inOrder(length) {
  return Uint32Array.from({ length }, (_, index) => Math.max(0, index + 1 - FIRST))
}

module.exports = { UrlTable, BEFORE_ONLINE, BEFORE_OFFLINE, FIRST }
