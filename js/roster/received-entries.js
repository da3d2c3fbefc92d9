'use strict'

const { badMessage, UNREADABLE } = require('../engine/errors.js')
const { BEFORE_OFFLINE, BEFORE_ONLINE, FIRST } = require('./url-table.js')
const { MONITOR, ONLINE } = require('./snapshot.js')

// The other end is `src/binding/sheet.rs`.
const HEAD_WORDS = 6
const BEGINS = 0
const FROM = 1
const TO = 2
const MERGED = 3
const MALFORMED = 4

/** Whom an entry is about stands above its flags: one of the names beside it, this server, or the one at a place. */
const WHOM = 4
const NO_PLACE = -1

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
 * Entries without a place that the calling thread merges itself. A new server takes the engine over 1 µs, several times as long
 * as parsing its entry; to let another thread merge takes some 30 µs a request.
 */
const MAX_UNPLACED_AT_ONCE = 16

/** Characters of a base URL that are passed on: one more than any has, so that a longer one is rejected as such. */
const MAX_NAME = 513
/** Characters of all names without a place. More than the largest cluster has, and less than the largest string. */
const MAX_NAMES = 64 * 1024 * 1024
/** No base URL holds it, not even around it, where whitespace is ignored. */
const BETWEEN_NAMES = '\0'

/** The entries of one gossip request as the addon takes them. */
class Heard {
  #words
  #unplaced = []
  /** Characters in these names. */
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
   * @param {import('./url-table.js').Names} names
   */
  write({ online, onlineCount, offline, offlineCount }, names) {
    const count = onlineCount + offlineCount
    const isTooLarge = this.room > LARGEST_KEPT_ROOM && count <= LARGEST_KEPT_ROOM
    if (count > this.room || isTooLarge) this.#makeRoom(Math.max(count + (count >> 1), SMALLEST_ROOM))
    this.#unplaced = []
    this.#letters = 0
    this.#end = 0
    this.#malformed = 0
    this.#throwing = 0
    this.#writeList(offline, offlineCount, 0, names)
    this.#writeList(online, onlineCount, ONLINE, names)
    const words = this.#words
    words[BEGINS] = 1
    words[FROM] = 0
    words[TO] = this.#end
    words[MALFORMED] = this.#malformed
  }

  /** The names of entries without a place, one after the other. */
  get unplacedNames() {
    return this.#unplaced.length > 0 ? this.#unplaced.join(BETWEEN_NAMES) : undefined
  }

  /** Whether so many entries have no place that another thread should merge, and all names fit into one text. */
  get hasManyUnplaced() {
    const count = this.#unplaced.length
    const placed = this.#end - count
    return count > MAX_UNPLACED_AT_ONCE && this.#letters + placed * MAX_NAME <= MAX_NAMES
  }

  /**
   * Replaces all places by names, which hold whatever another thread finds changed.
   *
   * @param {string[]} urls by the places that were written down
   */
  nameAll(urls) {
    this.#words[MERGED] = 0
    this.nameTheRest(urls)
    this.#words[BEGINS] = 1
  }

  get isMerged() {
    return this.#words[MERGED] === this.#words[TO] - this.#words[FROM]
  }

  /**
   * Calls the servers in what has not been merged by their names, as their places may be others' by now.
   *
   * @param {string[]} urls by the places that were written down
   */
  nameTheRest(urls) {
    const words = this.#words
    const unplaced = []
    let passed = 0
    const from = words[FROM] + words[MERGED]
    for (let entry = 0; entry < words[TO]; entry++) {
      const at = HEAD_WORDS + 2 * entry
      const place = Math.floor(words[at] / WHOM) - 1
      if (entry < from) {
        if (place === NO_PLACE) passed++
        continue
      }
      unplaced.push(place === NO_PLACE ? this.#unplaced[passed++] : urls[place])
      words[at] %= WHOM
    }
    this.#unplaced = unplaced
    words[BEGINS] = 0
    words[FROM] = from
  }

  /** Entries that are none are counted, and left out. */
  #writeList(entries, count, listFlag, names) {
    const words = this.#words
    const { urls, following } = names
    const known = urls.length
    let previous = listFlag === ONLINE ? BEFORE_ONLINE : BEFORE_OFFLINE
    let guess = following[previous]
    let patience = names.patience
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
      let place = NO_PLACE
      if (patience > 0 && guess < known && urls[guess] === baseUrl) {
        place = guess
        previous = place + FIRST
        guess = following[previous]
        if (patience < PATIENCE) patience++
      } else {
        place = names.find(baseUrl) ?? NO_PLACE
        if (place === NO_PLACE) {
          if (!this.#name(baseUrl)) continue
        } else if (patience > 0) {
          patience--
          following[previous] = place
          previous = place + FIRST
          guess = following[previous]
        }
      }
      const at = HEAD_WORDS + 2 * end++
      words[at] = (place + 1) * WHOM + listFlag + (monitor === true ? MONITOR : 0)
      words[at + 1] = lastUpdate
    }
    this.#end = end
    names.patience = Math.max(patience, LEAST_PATIENCE)
  }

  /** Takes a name that has no place, unless it is none: half a character would become another one on the other side. */
  #name(baseUrl) {
    const name = baseUrl.length > MAX_NAME ? baseUrl.slice(0, MAX_NAME) : baseUrl
    if (!name.isWellFormed() || name.includes(BETWEEN_NAMES)) {
      this.#malformed++
      return false
    }
    this.#letters += name.length + 1
    if (this.#letters > MAX_NAMES) throw badMessage('gossip', 'the base URLs in it are too long')
    this.#unplaced.push(name)
    return true
  }

  #makeRoom(room) {
    this.room = room
    this.#words = new Float64Array(HEAD_WORDS + 2 * room)
    this.bytes = new Uint8Array(this.#words.buffer)
  }
}

module.exports = { Heard }
