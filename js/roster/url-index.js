'use strict'

/** A word holds a slot in its lower bits, enough for the largest cluster, and above it the upper bits of the hash. */
const SLOT = 2 ** 17 - 1
const EMPTY = -1
const SMALLEST_ROOM = 8
/** Words probed per lookup, which bounds the cost of URLs made to collide. */
const REACH = 8

/** Letters are hashed that could tell so many times more URLs apart than there are, and at most so many. */
const MARGIN = 8
const MOST_LETTERS = 8
/** They are chosen from the last ones of so many URLs. */
const LAST = 64
const SAMPLES = 64
/** Samples so far apart fall in with no numbering. */
const GOLDEN = 0.618034

/**
 * Finds slots by their URLs, nearly all of them by a few letters. A map hashes all of a text, which takes longer than
 * anything else that is done with one that has just been parsed.
 */
class UrlIndex {
  #urls
  #words
  #letters
  #longest
  #used
  /** The slots of URLs that are too short, or collide with others. */
  #others = new Map()

  /** @param {string[]} urls by slot, which the owner keeps up to date */
  constructor(urls) {
    this.#urls = urls
    this.#lay()
  }

  /**
   * The slot of this URL; undefined if no server has it.
   *
   * @param {string} text
   */
  find(text) {
    if (text.length < this.#longest) return this.#findOther(text)
    const urls = this.#urls
    const words = this.#words
    const last = words.length - 1
    const hash = this.#hash(text)
    for (let step = 0; step < REACH; step++) {
      const word = words[(hash + step) & last]
      // Here it would have been put.
      if (word === EMPTY) return undefined
      const slot = word & SLOT
      if (((word ^ hash) & ~SLOT) === 0 && urls[slot] === text) return slot
    }
    return this.#findOther(text)
  }

  #findOther(text) {
    return this.#others.size > 0 ? this.#others.get(text) : undefined
  }

  /** These slots have new URLs. Words for their old ones stay until all is laid anew, and match nothing. */
  add(slots) {
    if ((this.#used + slots.length) * 2 > this.#words.length) this.#lay()
    else for (const slot of slots) this.#put(slot)
  }

  /** No server has this URL any more. */
  forget(text) {
    if (this.#others.size > 0) this.#others.delete(text)
  }

  #lay() {
    const urls = this.#urls
    let room = SMALLEST_ROOM
    while (room < urls.length * 4) room *= 2
    this.#words = new Int32Array(room).fill(EMPTY)
    this.#letters = tellingLetters(urls)
    this.#longest = Math.max(...this.#letters)
    this.#used = 0
    this.#others.clear()
    for (let slot = 0; slot < urls.length; slot++) this.#put(slot)
  }

  #put(slot) {
    const url = this.#urls[slot]
    if (url.length < this.#longest) return void this.#others.set(url, slot)
    const words = this.#words
    const last = words.length - 1
    const hash = this.#hash(url)
    for (let step = 0; step < REACH; step++) {
      const at = (hash + step) & last
      if (words[at] !== EMPTY) continue
      words[at] = (hash & ~SLOT) | slot
      this.#used++
      return
    }
    this.#others.set(url, slot)
  }

  /** FNV-1a, with its upper bits mixed into its lower ones. */
  #hash(text) {
    const { length } = text
    const letters = this.#letters
    let hash = length
    for (let index = 0; index < letters.length; index++) {
      hash = Math.imul(hash ^ text.charCodeAt(length - letters[index]), 0x01000193)
    }
    return hash ^ (hash >>> 15)
  }
}

/** Where URLs differ most, counted from their ends: in `http://10.0.3.17:3000/` before the port. */
function tellingLetters(urls) {
  const samples = Array.from({ length: Math.min(SAMPLES, urls.length) }, (_, index) => {
    return urls[Math.floor(index * GOLDEN * urls.length) % urls.length]
  })
  const candidates = Array.from({ length: LAST }, (_, index) => {
    const kinds = new Set(samples.map((url) => url[url.length - 1 - index]))
    return { fromEnd: index + 1, kinds: kinds.size }
  }).sort((a, b) => b.kinds - a.kinds)
  const letters = []
  let told = 1
  for (const { fromEnd, kinds } of candidates.slice(0, MOST_LETTERS)) {
    letters.push(fromEnd)
    told *= kinds
    if (told >= urls.length * MARGIN) break
  }
  return letters
}

module.exports = { UrlIndex }
