'use strict'

const addon = require('./addon.js')
const { withPublicErrors } = require('./errors.js')
const { Heard } = require('./heard.js')
const { Names } = require('./names.js')
const { Sheet } = require('./sheet.js')

const gossip = withPublicErrors(addon.gossip)
const show = withPublicErrors(addon.show)

/** A copy of what the engine shows, so that little has to cross the boundary when it is shown again. */
class Roster {
  #names = new Names()
  #sheet = new Sheet()
  #heard = new Heard()

  /** Merges the lists of a gossip request, and shows all that is known then. */
  gossip(lists) {
    const heard = this.#heard
    heard.write(lists, this.#names)
    let news = gossip(heard.bytes, heard.unplacedNames, this.#sheet.bytes)
    if (!heard.isMerged) {
      heard.nameTheRest(this.#names.urls)
      this.#learn(news)
      news = gossip(heard.bytes, heard.unplacedNames, this.#sheet.bytes)
    }
    this.#learn(news)
    return this.#sheet.lists(this.#names.urls, true)
  }

  show(includeOffline) {
    this.#learn(show(this.#sheet.bytes))
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
 * Merges the lists of a gossip request, and answers with all that is known.
 *
 * @param {{ online: unknown[], onlineCount: number, offline: unknown[], offlineCount: number }} lists
 */
function mergeAndShow(lists) {
  const roster = take()
  try {
    return roster.gossip(lists)
  } finally {
    idle = roster
  }
}

/**
 * All that is known, as far as it is wanted.
 *
 * @param {boolean} includeOffline
 */
function showAll(includeOffline) {
  const roster = take()
  try {
    return roster.show(includeOffline)
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
