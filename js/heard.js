'use strict'

const { BEFORE_OFFLINE, BEFORE_ONLINE, FIRST } = require('./names.js')
const { MONITOR, ONLINE } = require('./sheet.js')

// The other end is `src/binding/sheet.rs`.
const HEAD_WORDS = 4
const BEGINS = 0
const FROM = 1
const TO = 2
const MERGED = 3

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

/** The entries of one gossip request as the addon takes them. */
class Heard {
  #words
  #unplaced = []

  constructor() {
    this.#makeRoom(SMALLEST_ROOM)
  }

  /**
   * Writes down both lists, the offline one first, as it is merged.
   *
   * @param {unknown[]} online
   * @param {unknown[]} offline
   * @param {import('./names.js').Names} names
   */
  write(online, offline, names) {
    const onlineCount = online.length
    const offlineCount = offline.length
    const count = onlineCount + offlineCount
    const isTooLarge = this.room > LARGEST_KEPT_ROOM && count <= LARGEST_KEPT_ROOM
    if (count > this.room || isTooLarge) this.#makeRoom(Math.max(count + (count >> 1), SMALLEST_ROOM))
    this.#unplaced = this.#writeList(online, onlineCount, offlineCount, ONLINE, names)
    if (offlineCount > 0)
      this.#unplaced = this.#writeList(offline, offlineCount, 0, 0, names).concat(this.#unplaced)
    const words = this.#words
    words[BEGINS] = 1
    words[FROM] = 0
    words[TO] = count
  }

  /** The names of entries without a place, line by line. */
  get unplacedNames() {
    return this.#unplaced.length > 0 ? this.#unplaced.join('\n') : undefined
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

  /** Tells the names without a place. Of an entry that is none, an empty one is left, which the engine counts as refused. */
  #writeList(entries, count, start, listFlag, names) {
    const words = this.#words
    const { urls, following } = names
    const known = urls.length
    const unplaced = []
    let previous = listFlag === ONLINE ? BEFORE_ONLINE : BEFORE_OFFLINE
    let guess = following[previous]
    let patience = names.patience
    let at = HEAD_WORDS + 2 * start
    for (let index = 0; index < count; index++) {
      let place = NO_PLACE
      let stamp = 0
      let flags = listFlag
      try {
        const { baseUrl, lastUpdate, monitor } = entries[index]
        stamp = typeof lastUpdate === 'number' ? lastUpdate : Number.NaN
        if (monitor === true) flags += MONITOR
        if (patience > 0 && guess < known && urls[guess] === baseUrl) {
          place = guess
          previous = place + FIRST
          guess = following[previous]
          if (patience < PATIENCE) patience++
        } else {
          place = names.find(baseUrl) ?? NO_PLACE
          if (place === NO_PLACE) {
            unplaced.push(typeof baseUrl === 'string' && !baseUrl.includes('\n') ? baseUrl : '')
          } else if (patience > 0) {
            patience--
            following[previous] = place
            previous = place + FIRST
            guess = following[previous]
          }
        }
      } catch {
        unplaced.push('')
      }
      words[at] = (place + 1) * WHOM + flags
      words[at + 1] = stamp
      at += 2
    }
    names.patience = Math.max(patience, LEAST_PATIENCE)
    return unplaced
  }

  #makeRoom(room) {
    this.room = room
    this.#words = new Float64Array(HEAD_WORDS + 2 * room)
    this.bytes = new Uint8Array(this.#words.buffer)
  }
}

module.exports = { Heard }
