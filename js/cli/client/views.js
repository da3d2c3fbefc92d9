'use strict'

const { createHash } = require('node:crypto')
const { setTimeout: pause } = require('node:timers/promises')
const { normalised } = require('../http/base-url.js')
const { ASKED_AT_ONCE, MAX_ASKED } = require('../http/limits.js')
const { askForList } = require('./list.js')
const { clockDifference } = require('./view.js')

/** How long news may take to reach all servers, in ms, before a difference counts. */
const SETTLING = 2_000

/**
 * @typedef {object} Group servers that see the same
 * @property {string[]} servers the base URLs of those that were asked
 * @property {string[]} online the base URLs that they list as online
 * @property {string[]} missing those that others list, but these do not
 *
 * @typedef {object} Views
 * @property {Group[]} groups the largest first
 * @property {{ baseUrl: string, failure: Error }[]} failed servers that did not answer
 * @property {{ baseUrl: string, difference: number }[]} clocks how far each clock is ahead, in ms
 * @property {number} asked
 * @property {boolean} isComplete whether all servers were asked
 */

/**
 * Asks a server for its list, then all servers that it or another one lists as online, and groups
 * those that say the same. Differing servers are asked twice, since a change may be on its way.
 *
 * @param {string} baseUrl of a server that a person has named
 * @param {import('./list.js').Access} access
 * @returns {Promise<Views>}
 */
async function askForViews(baseUrl, access) {
  const views = await askAll(baseUrl, access)
  if (views.groups.length < 2) return views
  await pause(SETTLING)
  return askAll(baseUrl, access)
}

/** @returns {Promise<Views>} */
async function askAll(baseUrl, access) {
  const groups = new Groups()
  const failed = []
  const clocks = []
  const known = new Set([baseUrl])
  const take = (url, { list, answer }) => {
    clocks.push({ baseUrl: url, difference: clockDifference(answer) })
    groups.add(url, list.online)
  }
  take(baseUrl, await askForList(baseUrl, access, { isNamed: true }))
  for (;;) {
    const round = [...groups.everywhere].filter((url) => !known.has(url)).slice(0, MAX_ASKED - known.size)
    if (round.length === 0) break
    for (const url of round) known.add(url)
    await inTurns(round, async (url) => {
      try {
        take(url, await askForList(url, access))
      } catch (failure) {
        failed.push({ baseUrl: url, failure })
      }
    })
  }
  const isComplete = [...groups.everywhere].every((url) => known.has(url))
  return { groups: groups.all(), failed, clocks, asked: known.size, isComplete }
}

/** Calls `ask` for all servers, a few at once. */
async function inTurns(urls, ask) {
  const waiting = urls.values()
  const work = async () => {
    for (const url of waiting) await ask(url)
  }
  await Promise.all(Array.from({ length: ASKED_AT_ONCE }, work))
}

/** Servers by what they see. It keeps one list for each group, since there may be many servers. */
class Groups {
  /** All servers that a list names. */
  everywhere = new Set()
  #groups = new Map()

  /**
   * @param {string} baseUrl of the server with this list
   * @param {import('./list.js').Entry[]} entries
   */
  add(baseUrl, entries) {
    const urls = entries.map((entry) => normalised(entry.baseUrl)).filter(Boolean)
    const online = [...new Set(urls)].sort()
    const same = createHash('sha256').update(online.join('\n')).digest('base64')
    const group = this.#groups.get(same)
    if (group) return void group.servers.push(baseUrl)
    this.#groups.set(same, { servers: [baseUrl], online })
    for (const url of online) this.everywhere.add(url)
  }

  /** @returns {Group[]} */
  all() {
    const everywhere = [...this.everywhere].sort()
    const complete = [...this.#groups.values()].map(({ servers, online }) => {
      const seen = new Set(online)
      return { servers: servers.sort(), online, missing: everywhere.filter((url) => !seen.has(url)) }
    })
    return complete.sort((one, other) => other.servers.length - one.servers.length)
  }
}

module.exports = { askForViews }
