'use strict'

const addon = require('../engine/addon.js')
const { withPublicErrors } = require('../engine/errors.js')
const { Heard } = require('./received-entries.js')
const { Names } = require('./url-table.js')
const { Sheet } = require('./snapshot.js')

const gossip = withPublicErrors(addon.gossip)
const gossipLater = withPublicErrors(addon.gossipLater)
const show = withPublicErrors(addon.show)

/** A copy of what the engine shows, so that little has to cross the boundary when it is shown again. */
class Roster {
  #names = new Names()
  #sheet = new Sheet()
  #heard = new Heard()

  /**
   * Merges the lists of a gossip request.
   *
   * @returns {Promise<void> | undefined} resolves when another thread has merged them, if they name many new servers
   */
  gossip(lists) {
    const heard = this.#heard
    heard.write(lists, this.#names)
    if (heard.hasManyUnplaced) {
      heard.nameAll(this.#names.urls)
      return gossipLater(heard.bytes, heard.unplacedNames)
    }
    let news = gossip(heard.bytes, heard.unplacedNames, this.#sheet.bytes)
    if (!heard.isMerged) {
      heard.nameTheRest(this.#names.urls)
      this.#learn(news)
      news = gossip(heard.bytes, heard.unplacedNames, this.#sheet.bytes)
    }
    this.#learn(news)
    return undefined
  }

  update() {
    this.#learn(show(this.#sheet.bytes))
  }

  lists(includeOffline) {
    return this.#sheet.lists(this.#names.urls, includeOffline)
  }

  #learn(news) {
    if (news) this.#names.learn(news, this.#sheet.count)
    if (this.#sheet.isComplete) return
    this.#sheet = this.#sheet.grown()
    this.#learn(show(this.#sheet.bytes))
  }
}

/** The one that is not in use: while a body is read, its accessors may call back. */
let idle = new Roster()

/**
 * Merges the lists of a gossip request, and answers with all that is known; later, if the request names many new servers.
 *
 * @param {{ online: unknown[], onlineCount: number, offline: unknown[], offlineCount: number }} lists
 * @returns {import('../..').ServerList | Promise<import('../..').ServerList>}
 */
function mergeAndShow(lists) {
  const roster = take()
  try {
    const merging = roster.gossip(lists)
    return merging ? showAfter(merging) : roster.lists(true)
  } finally {
    idle = roster
  }
}

/** Holds no roster meanwhile, which other requests use. */
async function showAfter(merging) {
  await merging
  return showAll(true)
}

/**
 * All that is known, as far as it is wanted.
 *
 * @param {boolean} includeOffline
 */
function showAll(includeOffline) {
  const roster = take()
  try {
    roster.update()
    return roster.lists(includeOffline)
  } finally {
    idle = roster
  }
}

function take() {
  const roster = idle ?? new Roster()
  idle = undefined
  return roster
}

module.exports = { mergeAndShow, showAll }
