'use strict'

const { badMessage, UNREADABLE } = require('../engine/errors.js')
const { EntryFlag, EntrySubject, ReceivedWord, URL_SEPARATOR } = require('../engine/addon.js')
const { BEFORE_OFFLINE, BEFORE_ONLINE, AFTER_SLOT } = require('./url-table.js')

// See `src/binding/layout.rs` for these words and flags.
const { IsStart, From, To, Merged, Malformed, Entries: HEAD_WORDS } = ReceivedWord
const { Monitor: MONITOR, Online: ONLINE } = EntryFlag

/** Subjects of entries from here on are slots; slot 0 is this server. */
const { Own: OWN, Factor: SUBJECT_FACTOR } = EntrySubject
const NO_SLOT = EntrySubject.Named - OWN

const MIN_CAPACITY = 64
/** Entries of the largest cluster; a larger buffer is not kept for later requests. */
const MAX_KEPT_CAPACITY = 200_000

/** The guess budget of a list: wrong guesses beyond the right ones, after which guessing stops. */
const MAX_GUESS_BUDGET = 16
/** The budget at the start of a list that follows one without any order. */
const MIN_GUESS_BUDGET = 2

/**
 * Entries of one message whose accessors may throw. JSON has none, and each takes far longer than a
 * valid one.
 */
const MAX_THROWING = 100

/**
 * Entries without a slot that are merged on the calling thread. A new server takes the engine over
 * 1 µs, several times as long as parsing its entry; using another thread takes about 30 µs per
 * request.
 */
const MAX_UNKNOWN_INLINE = 16

/**
 * Characters of a base URL that are passed on: one more than allowed, so a longer one is rejected.
 */
const MAX_URL_LENGTH = 513
/**
 * Characters of all URLs without a slot: more than the largest cluster has, less than V8's longest
 * string.
 */
const MAX_URLS_LENGTH = 64 * 1024 * 1024

/** The entries of one gossip request, in the addon's layout. */
class ReceivedEntries {
  #words
  /** The URLs without a slot. */
  #unknown = []
  /** The total length of these URLs in characters. */
  #urlLength
  /** The index of the next entry to write. */
  #end
  #malformed
  #throwing

  constructor() {
    this.#allocate(MIN_CAPACITY)
  }

  /**
   * Writes both lists, first the offline one, in the order in which they are merged.
   *
   * @param {{ online: unknown[], onlineCount: number, offline: unknown[], offlineCount: number }} lists
   * @param {import('./url-table.js').UrlTable} table
   */
  write({ online, onlineCount, offline, offlineCount }, table) {
    const count = onlineCount + offlineCount
    const isTooLarge = this.capacity > MAX_KEPT_CAPACITY && count <= MAX_KEPT_CAPACITY
    if (count > this.capacity || isTooLarge) this.#allocate(Math.max(count + (count >> 1), MIN_CAPACITY))
    this.#unknown = []
    this.#urlLength = 0
    this.#end = 0
    this.#malformed = 0
    this.#throwing = 0
    this.#writeList(offline, offlineCount, 0, table)
    this.#writeList(online, onlineCount, ONLINE, table)
    const words = this.#words
    words[IsStart] = 1
    words[From] = 0
    words[To] = this.#end
    words[Malformed] = this.#malformed
  }

  /** The URLs of entries without a slot, joined. */
  get unknownUrls() {
    return this.#unknown.length > 0 ? this.#unknown.join(URL_SEPARATOR) : undefined
  }

  /**
   * Whether the request has so many entries without a slot that another thread should merge it, and
   * all URLs fit into one string.
   */
  get hasManyUnknown() {
    const count = this.#unknown.length
    const slotted = this.#end - count
    return count > MAX_UNKNOWN_INLINE && this.#urlLength + slotted * MAX_URL_LENGTH <= MAX_URLS_LENGTH
  }

  /**
   * Replaces all slots by URLs, which stay valid until another thread merges them.
   *
   * @param {string[]} urls by the slots that were written
   */
  useUrls(urls) {
    this.#words[Merged] = 0
    this.useUrlsForRest(urls)
    this.#words[IsStart] = 1
  }

  get isMerged() {
    return this.#words[Merged] === this.#words[To] - this.#words[From]
  }

  /**
   * Replaces the slots of all entries not merged yet by URLs, because the slots may have changed.
   *
   * @param {string[]} urls by the slots that were written
   */
  useUrlsForRest(urls) {
    const words = this.#words
    const unknown = []
    let nextUnknown = 0
    const from = words[From] + words[Merged]
    for (let entry = 0; entry < words[To]; entry++) {
      const at = HEAD_WORDS + 2 * entry
      const slot = Math.floor(words[at] / SUBJECT_FACTOR) - OWN
      if (entry < from) {
        if (slot === NO_SLOT) nextUnknown++
        continue
      }
      unknown.push(slot === NO_SLOT ? this.#unknown[nextUnknown++] : urls[slot])
      words[at] %= SUBJECT_FACTOR
    }
    this.#unknown = unknown
    words[IsStart] = 0
    words[From] = from
  }

  /** Skips malformed entries and counts them. */
  #writeList(entries, count, listFlag, table) {
    const words = this.#words
    const { urls, following } = table
    const urlCount = urls.length
    let previous = listFlag === ONLINE ? BEFORE_ONLINE : BEFORE_OFFLINE
    let guess = following[previous]
    let guessBudget = table.guessBudget
    let end = this.#end
    for (let index = 0; index < count; index++) {
      let baseUrl
      let lastUpdate
      let monitor
      try {
        const entry = entries[index]
        // Destructuring a value that is not an object may throw, which takes a thousand times as
        // long.
        if (typeof entry === 'object' && entry !== null) ({ baseUrl, lastUpdate, monitor } = entry)
      } catch {
        baseUrl = undefined
        if (++this.#throwing > MAX_THROWING) throw badMessage('gossip', UNREADABLE)
      }
      if (typeof baseUrl !== 'string' || typeof lastUpdate !== 'number') {
        this.#malformed++
        continue
      }
      let slot = NO_SLOT
      if (guessBudget > 0 && guess < urlCount && urls[guess] === baseUrl) {
        slot = guess
        previous = slot + AFTER_SLOT
        guess = following[previous]
        if (guessBudget < MAX_GUESS_BUDGET) guessBudget++
      } else {
        slot = table.find(baseUrl) ?? NO_SLOT
        if (slot === NO_SLOT) {
          if (!this.#addUnknown(baseUrl)) continue
        } else if (guessBudget > 0) {
          guessBudget--
          following[previous] = slot
          previous = slot + AFTER_SLOT
          guess = following[previous]
        }
      }
      const at = HEAD_WORDS + 2 * end++
      words[at] = (slot + OWN) * SUBJECT_FACTOR + listFlag + (monitor === true ? MONITOR : 0)
      words[at + 1] = lastUpdate
    }
    this.#end = end
    table.guessBudget = Math.max(guessBudget, MIN_GUESS_BUDGET)
  }

  /**
   * Adds a URL without a slot. Skips an invalid one: a lone surrogate would become another
   * character in Rust.
   */
  #addUnknown(baseUrl) {
    const url = baseUrl.length > MAX_URL_LENGTH ? baseUrl.slice(0, MAX_URL_LENGTH) : baseUrl
    if (!url.isWellFormed() || url.includes(URL_SEPARATOR)) {
      this.#malformed++
      return false
    }
    this.#urlLength += url.length + 1
    if (this.#urlLength > MAX_URLS_LENGTH) throw badMessage('gossip', 'the base URLs in it are too long')
    this.#unknown.push(url)
    return true
  }

  #allocate(capacity) {
    this.capacity = capacity
    this.#words = new Float64Array(HEAD_WORDS + 2 * capacity)
    this.bytes = new Uint8Array(this.#words.buffer)
  }
}

module.exports = { ReceivedEntries }
