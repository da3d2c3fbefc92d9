'use strict'

const addon = require('../engine/addon.js')
const { withPublicErrors } = require('../engine/errors.js')
const { ReceivedEntries } = require('./received-entries.js')
const { UrlTable } = require('./url-table.js')
const { RosterSnapshot } = require('./snapshot.js')

const gossip = withPublicErrors(addon.gossip)
const gossipLater = withPublicErrors(addon.gossipInBackground)
const show = withPublicErrors(addon.updateSnapshot)

/** A copy of what the engine shows, so that little has to cross the boundary when it is shown again. */
class RosterCopy {
  #table = new UrlTable()
  #snapshot = new RosterSnapshot()
  #received = new ReceivedEntries()

  /**
   * Merges the lists of a gossip request.
   *
   * @returns {Promise<void> | undefined} resolves when another thread has merged them, if they name many new servers
   */
  gossip(lists) {
    const received = this.#received
    received.write(lists, this.#table)
    if (received.hasManyUnknown) {
      received.useUrls(this.#table.urls)
      return gossipLater(received.bytes, received.unknownUrls)
    }
    let newUrls = gossip(received.bytes, received.unknownUrls, this.#snapshot.bytes)
    if (!received.isMerged) {
      received.useUrlsForRest(this.#table.urls)
      this.#learn(newUrls)
      newUrls = gossip(received.bytes, received.unknownUrls, this.#snapshot.bytes)
    }
    this.#learn(newUrls)
    return undefined
  }

  update() {
    this.#learn(show(this.#snapshot.bytes))
  }

  lists(includeOffline) {
    return this.#snapshot.lists(this.#table.urls, includeOffline)
  }

  #learn(newUrls) {
    if (newUrls) this.#table.learn(newUrls, this.#snapshot.count)
    if (this.#snapshot.isComplete) return
    this.#snapshot = this.#snapshot.grown()
    this.#learn(show(this.#snapshot.bytes))
  }
}

/** The one that is not in use: while a body is read, its accessors may call back. */
let idle = new RosterCopy()

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
  const roster = idle ?? new RosterCopy()
  idle = undefined
  return roster
}

module.exports = { mergeAndShow, showAll }
