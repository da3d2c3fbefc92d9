'use strict'

const addon = require('../engine/addon.js')
const { withPublicErrors } = require('../engine/errors.js')
const { requireRunning } = require('../engine/lifecycle.js')
const { requireKey, requireServerCount } = require('./arguments.js')

/** The addon's count that asks whether this server is the owner. */
const OWNS = 0
/** More servers than a cluster has. */
const EVERYONE = 2 ** 32 - 1

const ownersOf = withPublicErrors(addon.owners)

/** Returns the owner of a key; see `index.d.ts`. */
function shazbotOwner(key) {
  return shazbotOwners(key, 1)[0]
}

/** Returns the owner of a key, and those that would be next; see `index.d.ts`. */
function shazbotOwners(key, count) {
  requireKey(key)
  requireServerCount(count)
  requireRunning()
  const servers = JSON.parse(`[${ownersOf(key, Math.min(count, EVERYONE))}]`)
  for (const server of servers) Object.freeze(server)
  return Object.freeze(servers)
}

/** Returns whether this server owns a key; see `index.d.ts`. */
function shazbotOwns(key) {
  requireKey(key)
  requireRunning()
  return isOwner(key)
}

/** Returns whether the engine of this environment owns a key, whichever load has started it. */
function isOwner(key) {
  return ownersOf(key, OWNS)
}

module.exports = { isOwner, shazbotOwner, shazbotOwners, shazbotOwns }
