'use strict'

const { badMessage, UNREADABLE } = require('../engine/errors.js')
const { EntryFlag, EntrySubject, ReceivedWord, URL_SEPARATOR } = require('../engine/addon.js')
const { BEFORE_OFFLINE, BEFORE_ONLINE, FIRST } = require('./url-table.js')

// `src/binding/layout.rs` explains these words and flags.
const { IsStart, From, To, Merged, Malformed, Entries: HEAD_WORDS } = ReceivedWord
const { Monitor: MONITOR, Online: ONLINE } = EntryFlag

/** Where slots begin among the subjects of entries; slot 0 is this server. */
const { Own: OWN, Factor: SUBJECT } = EntrySubject
const NO_SLOT = EntrySubject.Named - OWN

const SMALLEST_ROOM = 64
/** Enough for the largest cluster; what a longer request took is not kept. */
const LARGEST_KEPT_ROOM = 200_000

/** After so many wrong guesses more than right ones the rest of a list is not guessed. */
const PATIENCE = 16
/** With which a list begins after one in no order at all. */
const LEAST_PATIENCE = 2

/** Entries of one message whose accessors throw. JSON has none, and each takes far longer than a good one. */
const MAX_THROWING = 100

/**
 * Entries without a slot that the calling thread merges itself. A new server takes the engine over 1 µs, several times as long
 * as parsing its entry; to let another thread merge takes some 30 µs a request.
 */
const MAX_UNKNOWN_AT_ONCE = 16

/** Characters of a base URL that are passed on: one more than any has, so that a longer one is rejected as such. */
const MAX_URL_LENGTH = 513
/** Characters of all URLs without a slot. More than the largest cluster has, and less than the largest string. */
const MAX_URLS_LENGTH = 64 * 1024 * 1024

/** The entries of one gossip request as the addon takes them. */
class ReceivedEntries {
  #words
  /** The URLs without a slot. */
  #unknown = []
  /** Characters in these URLs. */
  #letters
  /** Where the next entry is written. */
  #end
  #malformed
  #throwing

  constructor() {
    this.#makeRoom(SMALLEST_ROOM)
  }

  /**
   * Writes down both lists, the offline one first, as it is merged.
   *
   * @param {{ online: unknown[], onlineCount: number, offline: unknown[], offlineCount: number }} lists
   * @param {import('./url-table.js').UrlTable} table
   */
  write({ online, onlineCount, offline, offlineCount }, table) {
    const count = onlineCount + offlineCount
    const isTooLarge = this.room > LARGEST_KEPT_ROOM && count <= LARGEST_KEPT_ROOM
    if (count > this.room || isTooLarge) this.#makeRoom(Math.max(count + (count >> 1), SMALLEST_ROOM))
    this.#unknown = []
    this.#letters = 0
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

  /** The URLs of entries without a slot, one after the other. */
  get unknownUrls() {
    return this.#unknown.length > 0 ? this.#unknown.join(URL_SEPARATOR) : undefined
  }

  /** Whether so many entries have no slot that another thread should merge, and all URLs fit into one string. */
  get hasManyUnknown() {
    const count = this.#unknown.length
    const slotted = this.#end - count
    return count > MAX_UNKNOWN_AT_ONCE && this.#letters + slotted * MAX_URL_LENGTH <= MAX_URLS_LENGTH
  }

  /**
   * Replaces all slots by URLs, which hold whatever another thread finds changed.
   *
   * @param {string[]} urls by the slots that were written down
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
   * Names the servers of all entries that were not merged by their URLs, as their slots may be others' by now.
   *
   * @param {string[]} urls by the slots that were written down
   */
  useUrlsForRest(urls) {
    const words = this.#words
    const unknown = []
    let passed = 0
    const from = words[From] + words[Merged]
    for (let entry = 0; entry < words[To]; entry++) {
      const at = HEAD_WORDS + 2 * entry
      const slot = Math.floor(words[at] / SUBJECT) - OWN
      if (entry < from) {
        if (slot === NO_SLOT) passed++
        continue
      }
      unknown.push(slot === NO_SLOT ? this.#unknown[passed++] : urls[slot])
      words[at] %= SUBJECT
    }
    this.#unknown = unknown
    words[IsStart] = 0
    words[From] = from
  }

  /** Skips malformed entries and counts them. */
  #writeList(entries, count, listFlag, table) {
    const words = this.#words
    const { urls, following } = table
    const known = urls.length
    let previous = listFlag === ONLINE ? BEFORE_ONLINE : BEFORE_OFFLINE
    let guess = following[previous]
    let patience = table.patience
    let end = this.#end
    for (let index = 0; index < count; index++) {
      let baseUrl
      let lastUpdate
      let monitor
      try {
        const entry = entries[index]
        // To take apart what is no object may throw, which takes a thousand times as long.
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
      if (patience > 0 && guess < known && urls[guess] === baseUrl) {
        slot = guess
        previous = slot + FIRST
        guess = following[previous]
        if (patience < PATIENCE) patience++
      } else {
        slot = table.find(baseUrl) ?? NO_SLOT
        if (slot === NO_SLOT) {
          if (!this.#addUnknown(baseUrl)) continue
        } else if (patience > 0) {
          patience--
          following[previous] = slot
          previous = slot + FIRST
          guess = following[previous]
        }
      }
      const at = HEAD_WORDS + 2 * end++
      words[at] = (slot + OWN) * SUBJECT + listFlag + (monitor === true ? MONITOR : 0)
      words[at + 1] = lastUpdate
    }
    this.#end = end
    table.patience = Math.max(patience, LEAST_PATIENCE)
  }

  /** Takes a URL that has no slot, unless it is invalid: half a surrogate pair would become another character in Rust. */
  #addUnknown(baseUrl) {
    const url = baseUrl.length > MAX_URL_LENGTH ? baseUrl.slice(0, MAX_URL_LENGTH) : baseUrl
    if (!url.isWellFormed() || url.includes(URL_SEPARATOR)) {
      this.#malformed++
      return false
    }
    this.#letters += url.length + 1
    if (this.#letters > MAX_URLS_LENGTH) throw badMessage('gossip', 'the base URLs in it are too long')
    this.#unknown.push(url)
    return true
  }

  #makeRoom(room) {
    this.room = room
    this.#words = new Float64Array(HEAD_WORDS + 2 * room)
    this.bytes = new Uint8Array(this.#words.buffer)
  }
}

module.exports = { ReceivedEntries }
