'use strict'

const { normalised } = require('../http/base-url.js')

const TYPES = {
  online: 'up',
  suspect: 'suspect',
  dead: 'down',
  left: 'leave',
  offline: 'offline',
  forgotten: 'forget',
}

/**
 * @typedef {object} News a change of one server, as in `clustershazbot/events`
 * @property {string} type
 * @property {{ baseUrl: string, monitor: boolean, lastUpdate: number }} server
 * @property {string} state
 * @property {string} previous
 * @property {string | null} cause
 * @property {boolean} self
 * @property {number} at
 */

/** The states of all servers that a watcher has told, so that it tells each change once. */
class Seen {
  #states = new Map()

  /** Whether nothing has been told yet. */
  get isEmpty() {
    return this.#states.size === 0
  }

  /** The number of servers in each state. */
  count() {
    const counts = { online: 0, suspect: 0, dead: 0, left: 0, offline: 0 }
    for (const { state } of this.#states.values()) counts[state]++
    return counts
  }

  /**
   * Takes news of single servers; returns what of them is new.
   *
   * @param {News[]} news
   * @returns {News[]}
   */
  takeNews(news) {
    return news.filter(isNews).flatMap((piece) => this.#take(piece) ?? [])
  }

  /**
   * Takes the news of all servers there are; returns what of them is new, and the servers that are
   * not there any more.
   *
   * @param {News[]} all
   * @param {number} at
   * @param {'forgotten' | 'offline'} [absent] the state of servers that are not among them
   * @returns {News[]}
   */
  takeAll(all, at, absent = 'forgotten') {
    const news = this.takeNews(all)
    const present = new Set(all.filter(isNews).map(({ server }) => identityOf(server)))
    for (const [identity, { server, state, self }] of this.#states) {
      if (present.has(identity)) continue
      this.#states.delete(identity)
      news.push({ type: TYPES[absent], server, state: absent, previous: state, cause: null, self, at })
    }
    return news
  }

  #take(piece) {
    const identity = identityOf(piece.server)
    const previous = this.#states.get(identity)?.state ?? 'unknown'
    if (piece.state === 'forgotten') this.#states.delete(identity)
    else this.#states.set(identity, piece)
    const isKnown = previous === piece.state || (piece.state === 'forgotten' && previous === 'unknown')
    if (isKnown) return undefined
    const isTrust = piece.state === 'online' && previous === 'suspect'
    return { ...piece, type: isTrust ? 'trust' : TYPES[piece.state], previous }
  }
}

/** Makes the servers of a view news, as of a snapshot. */
function newsOfView({ servers, now }) {
  return servers.map(({ baseUrl, monitor, lastUpdate, state, since, cause, self }) => {
    return { server: { baseUrl, monitor, lastUpdate }, state, cause, self, at: since ?? now }
  })
}

function isNews(piece) {
  const { server, state } = piece ?? {}
  return typeof server?.baseUrl === 'string' && typeof state === 'string' && Object.hasOwn(TYPES, state)
}

const identityOf = ({ baseUrl }) => normalised(baseUrl) ?? baseUrl

module.exports = { Seen, newsOfView }
