'use strict'

const { EntryFlag, SnapshotWord } = require('../engine/addon.js')

const WORD_BYTES = Float64Array.BYTES_PER_ELEMENT
const { Length, Version, OwnStamp, OwnFlags, OnlineCount, Stamps: HEAD_WORDS } = SnapshotWord
const { Monitor: MONITOR, Online: ONLINE } = EntryFlag

const MIN_CAPACITY = 64

/**
 * The stamps and flags of all servers, written by the addon in the layout of
 * `src/binding/layout.rs`.
 */
class RosterSnapshot {
  constructor(capacity = MIN_CAPACITY) {
    const stampsEnd = (HEAD_WORDS + capacity) * WORD_BYTES
    this.bytes = new Uint8Array(stampsEnd + capacity)
    this.head = new Float64Array(this.bytes.buffer, 0, HEAD_WORDS)
    this.stamps = new Float64Array(this.bytes.buffer, HEAD_WORDS * WORD_BYTES, capacity)
    this.flags = new Uint8Array(this.bytes.buffer, stampsEnd, capacity)
  }

  /** The number of known servers, including this one. */
  get count() {
    return this.head[Length] + 1
  }

  /** Whether all servers had room. */
  get isComplete() {
    return this.head[Version] >= 0
  }

  /** Returns a larger snapshot, to be filled by the next update. */
  grown() {
    const snapshot = new RosterSnapshot(this.count * 2)
    snapshot.head.set(this.head)
    return snapshot
  }

  /**
   * Returns new objects, which the caller may change.
   *
   * @param {string[]} urls by slot
   * @param {{ includeOffline: boolean }} options
   * @returns {import('../..').ServerList}
   */
  lists(urls, { includeOffline }) {
    const { head, stamps, flags, count } = this
    const onlineTotal = head[OnlineCount]
    const online = new Array(onlineTotal)
    const offline = new Array(includeOffline ? count - onlineTotal : 0)
    let onlineCount = 0
    let offlineCount = 0
    let flag = head[OwnFlags] | 0
    let lastUpdate = head[OwnStamp]
    for (let slot = 0; slot < count; slot++) {
      const entry = { baseUrl: urls[slot], monitor: (flag & MONITOR) !== 0, lastUpdate }
      if (flag & ONLINE) online[onlineCount++] = entry
      else if (includeOffline) offline[offlineCount++] = entry
      flag = flags[slot]
      lastUpdate = stamps[slot]
    }
    return includeOffline ? { online, offline } : { online }
  }
}

module.exports = { RosterSnapshot }
