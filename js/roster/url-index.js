'use strict'

/**
 * The bits of a word that hold a slot, enough for the largest cluster; the rest holds bits of the
 * hash.
 */
const SLOT_MASK = 2 ** 17 - 1
const EMPTY = -1
const MIN_CAPACITY = 8
/** Words probed per lookup, which bounds the cost of URLs made to collide. */
const MAX_PROBES = 8

/** Hashed characters must distinguish this many times more URLs than there are. */
const DISTINGUISHING_FACTOR = 8
const MAX_HASHED_CHARACTERS = 8
/** Characters at the end of a URL that may be hashed. */
const MAX_OFFSET = 64
const MAX_SAMPLES = 64
/** The golden ratio spreads the samples, so they match no pattern in the numbering of servers. */
const GOLDEN_RATIO = 0.618034

/**
 * Finds slots by URL, nearly always from a few characters. A `Map` would hash the whole string,
 * which for a freshly parsed one takes longer than everything else.
 */
class UrlIndex {
  #urls
  #words
  #offsets
  #minLength
  /** URLs added since the last rebuild, to the words or to the fallback. */
  #insertions
  /** The slots of URLs that are too short, or that collide with others. */
  #fallback = new Map()

  /** @param {string[]} urls by slot, which the owner keeps up to date */
  constructor(urls) {
    this.#urls = urls
    this.#rebuild()
  }

  /**
   * Returns the slot of a URL; undefined if no server has it.
   *
   * @param {string} text
   */
  find(text) {
    if (text.length < this.#minLength) return this.#findFallback(text)
    const urls = this.#urls
    const words = this.#words
    const mask = words.length - 1
    const hash = this.#hash(text)
    for (let step = 0; step < MAX_PROBES; step++) {
      const word = words[(hash + step) & mask]
      // An insertion would have used this word.
      if (word === EMPTY) return undefined
      const slot = word & SLOT_MASK
      if (((word ^ hash) & ~SLOT_MASK) === 0 && urls[slot] === text) return slot
    }
    return this.#findFallback(text)
  }

  #findFallback(text) {
    return this.#fallback.size > 0 ? this.#fallback.get(text) : undefined
  }

  /**
   * Adds the URLs of these slots. Words of their old URLs stay until the next rebuild and match
   * nothing.
   *
   * A rebuild chooses the characters for the current URLs. So URLs in the fallback count as well:
   * the old characters may distinguish none of them.
   */
  add(slots) {
    if ((this.#insertions + slots.length) * 2 > this.#words.length) this.#rebuild()
    else for (const slot of slots) this.#insert(slot)
  }

  /** Removes a URL that no server has any more. */
  remove(text) {
    if (this.#fallback.size > 0) this.#fallback.delete(text)
  }

  #rebuild() {
    const urls = this.#urls
    let capacity = MIN_CAPACITY
    while (capacity < urls.length * 4) capacity *= 2
    this.#words = new Int32Array(capacity).fill(EMPTY)
    this.#offsets = distinguishingOffsets(urls)
    this.#minLength = Math.max(...this.#offsets)
    this.#insertions = 0
    this.#fallback.clear()
    for (let slot = 0; slot < urls.length; slot++) this.#insert(slot)
  }

  #insert(slot) {
    this.#insertions++
    const url = this.#urls[slot]
    if (url.length < this.#minLength) return void this.#fallback.set(url, slot)
    const words = this.#words
    const mask = words.length - 1
    const hash = this.#hash(url)
    for (let step = 0; step < MAX_PROBES; step++) {
      const at = (hash + step) & mask
      if (words[at] !== EMPTY) continue
      words[at] = (hash & ~SLOT_MASK) | slot
      return
    }
    this.#fallback.set(url, slot)
  }

  /** FNV-1a, with its upper bits mixed into its lower ones. */
  #hash(text) {
    const { length } = text
    const offsets = this.#offsets
    let hash = length
    for (let index = 0; index < offsets.length; index++) {
      hash = Math.imul(hash ^ text.charCodeAt(length - offsets[index]), 0x01000193)
    }
    return hash ^ (hash >>> 15)
  }
}

/**
 * Finds where URLs differ most, counted from the end: in `http://10.0.3.17:3000/` before the port.
 * Takes only as many places as distinguish all URLs. Of many URLs it compares only samples, and
 * takes places until their characters could distinguish many more URLs than there are.
 */
function distinguishingOffsets(urls) {
  const samples = samplesOf(urls)
  const candidates = Array.from({ length: MAX_OFFSET }, (_, index) => {
    const variants = new Set(samples.map((url) => url[url.length - 1 - index]))
    return { fromEnd: index + 1, variants: variants.size }
  }).sort((a, b) => b.variants - a.variants)
  const offsets = []
  let combinations = 1
  let keys = samples.map((url) => `${url.length}`)
  for (const { fromEnd, variants } of candidates.slice(0, MAX_HASHED_CHARACTERS)) {
    offsets.push(fromEnd)
    combinations *= variants
    keys = keys.map((key, index) => key + samples[index][samples[index].length - fromEnd])
    if (new Set(keys).size === urls.length || combinations >= urls.length * DISTINGUISHING_FACTOR) break
  }
  return offsets
}

/** Returns all URLs, or some of many. */
function samplesOf(urls) {
  if (urls.length <= MAX_SAMPLES) return urls
  return Array.from({ length: MAX_SAMPLES }, (_, index) => {
    return urls[Math.floor(index * GOLDEN_RATIO * urls.length) % urls.length]
  })
}

module.exports = { UrlIndex }
