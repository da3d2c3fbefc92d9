'use strict'

const { Shortcuts } = require('./url-index.js')

const SMALLEST_ROOM = 64

/** Characters of the longest name that a server may have; to look up a longer one would only cost time. */
const LONGEST = 512

// Where in `following` there is what comes first in each list, and then what comes after each place.
const BEFORE_ONLINE = 0
const BEFORE_OFFLINE = 1
const FIRST = 2

/** The base URLs of all known servers by their place, as the addon tells them; place 0 is this server's own. */
class Names {
  #shortcuts

  constructor() {
    this.urls = []
    this.#shortcuts = new Shortcuts(this.urls)
    /** Which place was named after each one lately: a guess that spares looking up most names. */
    this.following = inOrder(SMALLEST_ROOM)
    /** How far such guesses are trusted. */
    this.patience = 1
  }

  /**
   * The place of a server, undefined where none has this name.
   *
   * @param {string} name
   */
  find(name) {
    if (name.length > LONGEST) return undefined
    return this.#shortcuts.find(name)
  }

  /**
   * Takes in names that are new, or have moved; another engine tells all of them.
   *
   * @param {{ places: Uint32Array, baseUrls: string }} news
   * @param {number} count of all
   */
  learn({ places, baseUrls: json }, count) {
    const baseUrls = JSON.parse(json)
    for (const place of places) if (place < this.urls.length) this.#vacate(place)
    for (let place = count; place < this.urls.length; place++) this.#vacate(place)
    if (count < this.urls.length) this.urls.length = count
    for (let index = 0; index < places.length; index++) this.urls[places[index]] = baseUrls[index]
    this.#shortcuts.add(places)
    if (count + FIRST > this.following.length) {
      const longer = inOrder(count * 2)
      longer.set(this.following)
      this.following = longer
    }
  }

  #vacate(place) {
    this.#shortcuts.forget(this.urls[place])
  }
}

/** Each place with the next one after it, which is right where a list comes in the order that is kept here. */
function inOrder(length) {
  return Uint32Array.from({ length }, (_, index) => Math.max(0, index + 1 - FIRST))
}

module.exports = { Names, BEFORE_ONLINE, BEFORE_OFFLINE, FIRST }
