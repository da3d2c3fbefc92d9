'use strict'

const addon = require('../engine/addon.js')
const { withPublicErrors } = require('../engine/errors.js')
const { ReceivedEntries } = require('./received-entries.js')
const { UrlTable } = require('./url-table.js')
const { RosterSnapshot } = require('./snapshot.js')

const gossip = withPublicErrors(addon.gossip)
const gossipInBackground = withPublicErrors(addon.gossipInBackground)
const updateSnapshot = withPublicErrors(addon.updateSnapshot)

/** A copy of the engine's roster, which keeps the data that crosses the boundary small. */
class RosterCopy {
  #table = new UrlTable()
  #snapshot = new RosterSnapshot()
  #received = new ReceivedEntries()

  /**
   * Merges the lists of a gossip request.
   *
   * @returns {Promise<void> | undefined} a promise if another thread merges them, for many new
   * servers
   */
  gossip(lists) {
    const received = this.#received
    received.write(lists, this.#table)
    if (received.hasManyUnknown) {
      received.useUrls(this.#table.urls)
      return gossipInBackground(received.bytes, received.unknownUrls)
    }
    let newUrls = gossip(received.bytes, received.unknownUrls, this.#snapshot.bytes)
    if (!received.isMerged) {
      received.useUrlsForRest(this.#table.urls)
      this.#storeUrls(newUrls)
      newUrls = gossip(received.bytes, received.unknownUrls, this.#snapshot.bytes)
    }
    this.#storeUrls(newUrls)
    return undefined
  }

  update() {
    this.#storeUrls(updateSnapshot(this.#snapshot.bytes))
  }

  lists(options) {
    return this.#snapshot.lists(this.#table.urls, options)
  }

  #storeUrls(newUrls) {
    if (newUrls) this.#table.store(newUrls, this.#snapshot.count)
    if (this.#snapshot.isComplete) return
    this.#snapshot = this.#snapshot.grown()
    this.#storeUrls(updateSnapshot(this.#snapshot.bytes))
  }
}

/** The copy that is not in use. Accessors in a body may call back while one is in use. */
let idle = new RosterCopy()

/**
 * Merges the lists of a gossip request and returns all servers; a promise if it names many new
 * ones.
 *
 * @param {{ online: unknown[], onlineCount: number, offline: unknown[], offlineCount: number }} lists
 * @returns {import('../..').ServerList | Promise<import('../..').ServerList>}
 */
function mergeAndList(lists) {
  const roster = acquire()
  try {
    const merging = roster.gossip(lists)
    return merging ? listAfter(merging) : roster.lists({ includeOffline: true })
  } finally {
    idle = roster
  }
}

/** Uses no copy while it waits, because other requests need it. */
async function listAfter(merging) {
  await merging
  return listServers({ includeOffline: true })
}

/**
 * Returns all known servers.
 *
 * @param {{ includeOffline: boolean }} options
 */
function listServers(options) {
  const roster = acquire()
  try {
    roster.update()
    return roster.lists(options)
  } finally {
    idle = roster
  }
}

function acquire() {
  const roster = idle ?? new RosterCopy()
  idle = undefined
  return roster
}

module.exports = { mergeAndList, listServers }
