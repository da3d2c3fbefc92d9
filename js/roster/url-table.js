'use strict'

const { UrlIndex } = require('./url-index.js')

const MIN_CAPACITY = 64

/**
 * Characters of the longest base URL; longer ones are not looked up, which would only cost time.
 */
const MAX_URL_LENGTH = 512

// Indices in `following`: the first slot of each list, then the slot after each slot.
const BEFORE_ONLINE = 0
const BEFORE_OFFLINE = 1
const AFTER_SLOT = 2

/**
 * The base URLs of all known servers by roster slot, as reported by the addon; slot 0 is this
 * server.
 */
class UrlTable {
  #index

  constructor() {
    this.urls = []
    this.#index = new UrlIndex(this.urls)
    /** The slot that came after each slot in the latest lists: a guess that saves most lookups. */
    this.following = inOrder(MIN_CAPACITY)
    /** How many wrong guesses in a row are accepted, learned from the previous list. */
    this.guessBudget = 1
  }

  /**
   * Returns the slot of a server; undefined if no server has this URL.
   *
   * @param {string} url
   */
  find(url) {
    if (url.length > MAX_URL_LENGTH) return undefined
    return this.#index.find(url)
  }

  /**
   * Stores URLs that are new or have moved; those of another engine replace all.
   *
   * @param {{ slots: Uint32Array, baseUrls: string }} news
   * @param {number} count of all servers
   */
  store({ slots, baseUrls: json }, count) {
    const baseUrls = JSON.parse(json)
    for (const slot of slots) if (slot < this.urls.length) this.#removeUrl(slot)
    for (let slot = count; slot < this.urls.length; slot++) this.#removeUrl(slot)
    if (count < this.urls.length) this.urls.length = count
    for (let index = 0; index < slots.length; index++) this.urls[slots[index]] = baseUrls[index]
    this.#index.add(slots)
    if (count + AFTER_SLOT > this.following.length) {
      const longer = inOrder(count * 2)
      longer.set(this.following)
      this.following = longer
    }
  }

  #removeUrl(slot) {
    this.#index.remove(this.urls[slot])
  }
}

/** Each slot followed by the next, which is right for a list in the order of this table. */
function inOrder(length) {
  return Uint32Array.from({ length }, (_, index) => Math.max(0, index + 1 - AFTER_SLOT))
}

module.exports = { UrlTable, BEFORE_ONLINE, BEFORE_OFFLINE, AFTER_SLOT }
