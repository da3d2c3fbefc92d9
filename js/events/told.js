'use strict'

const { createNews } = require('./report.js')

/** Servers per chunk, of which a change copies one. */
const CHUNK_BITS = 6
const CHUNK_SIZE = 1 << CHUNK_BITS

/**
 * What a reader was told: the latest news of each server, in chunks. It never changes, and shares
 * its chunks with those before and after it. So a reader that lags behind costs no more than the
 * chunks that have changed since.
 *
 * @typedef {readonly (readonly (import('./index').ShazbotNews | undefined)[])[]} Told
 */

/** @type {Told} */
const NOTHING = Object.freeze([])

/** Keeps what the fastest reader was told. */
class Ledger {
  /** @type {Told} */
  told = NOTHING
  #slots = new Map()
  #free = []

  /** Adds news in their order. */
  add(news) {
    const told = this.told.slice()
    const copied = new Set()
    for (const piece of news) {
      const slot = this.#slotFor(piece)
      const chunk = slot >> CHUNK_BITS
      if (!copied.has(chunk)) {
        copied.add(chunk)
        told[chunk] = told[chunk]?.slice() ?? new Array(CHUNK_SIZE).fill(undefined)
      }
      told[chunk][slot & (CHUNK_SIZE - 1)] = piece.state === 'forgotten' ? undefined : piece
    }
    this.told = told
  }

  /**
   * Replaces everything by a list of all servers. Unchanged servers keep their news, and changed
   * ones get those that are still kept.
   */
  replace({ servers, news, ...now }) {
    const latest = new Map(news.map((piece) => [piece.server.baseUrl, piece]))
    const listed = new Set()
    const changes = []
    for (const server of servers) {
      const { baseUrl } = server.server
      listed.add(baseUrl)
      if (this.#at(this.#slots.get(baseUrl))?.state === server.state) continue
      const piece = latest.get(baseUrl)
      changes.push(piece?.state === server.state ? createNews({ ...piece, server: server.server }) : server)
    }
    for (const [baseUrl, slot] of this.#slots)
      if (!listed.has(baseUrl)) changes.push(latest.get(baseUrl) ?? forget(this.#at(slot), now))
    this.add(changes)
  }

  #at(slot) {
    return slot === undefined ? undefined : this.told[slot >> CHUNK_BITS][slot & (CHUNK_SIZE - 1)]
  }

  #slotFor({ server: { baseUrl }, state }) {
    const known = this.#slots.get(baseUrl)
    const slot = known ?? this.#free.pop() ?? this.#slots.size
    if (state !== 'forgotten') this.#slots.set(baseUrl, slot)
    else {
      this.#slots.delete(baseUrl)
      this.#free.push(slot)
    }
    return slot
  }
}

/**
 * Returns the difference between what a reader was told last and what is. What has cancelled itself
 * out is not in it.
 *
 * @param {Told} before
 * @param {Told} after
 * @param {{ view: number, at: number }} now
 */
function difference(before, after, now) {
  const gone = new Map()
  const came = []
  for (let chunk = 0; chunk < Math.max(before.length, after.length); chunk++) {
    if (before[chunk] === after[chunk]) continue
    for (let place = 0; place < CHUNK_SIZE; place++) {
      const [old, latest] = [before[chunk]?.[place], after[chunk]?.[place]]
      if (old === latest) continue
      if (old) gone.set(old.server.baseUrl, old)
      if (latest) came.push(latest)
    }
  }
  const news = []
  for (const piece of came) {
    const old = gone.get(piece.server.baseUrl)
    gone.delete(piece.server.baseUrl)
    if (old?.state !== piece.state) news.push(createNews({ ...piece, previous: old?.state ?? 'unknown' }))
  }
  for (const old of gone.values()) news.push(forget(old, now))
  return news
}

function forget(old, { view, at }) {
  return createNews({ ...old, state: 'forgotten', previous: old.state, cause: 'known', view, at })
}

/** Returns what is left of news if all that has cancelled itself out is left out. */
function withoutCancelled(news) {
  const first = new Map()
  const latest = new Map()
  for (const piece of news) {
    const { baseUrl } = piece.server
    if (!first.has(baseUrl)) first.set(baseUrl, piece)
    latest.delete(baseUrl)
    latest.set(baseUrl, piece)
  }
  const left = []
  for (const [baseUrl, piece] of latest) {
    const { previous } = first.get(baseUrl)
    const isBack = piece.state === previous || (piece.state === 'forgotten' && previous === 'unknown')
    if (!isBack) left.push(createNews({ ...piece, previous }))
  }
  return left
}

module.exports = { NOTHING, Ledger, difference, withoutCancelled }
