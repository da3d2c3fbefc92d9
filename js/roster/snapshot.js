'use strict'

const { EntryFlag, SnapshotWord } = require('../engine/addon.js')

const WORD_BYTES = Float64Array.BYTES_PER_ELEMENT
const { Length, Version, OwnStamp, OwnFlags, OnlineCount, Stamps: HEAD_WORDS } = SnapshotWord
const { Monitor: MONITOR, Online: ONLINE } = EntryFlag

const SMALLEST_ROOM = 64

/** All that is shown of servers, except their URLs. The addon writes it, as `src/binding/layout.rs` says. */
class RosterSnapshot {
  constructor(room = SMALLEST_ROOM) {
    const stampsEnd = (HEAD_WORDS + room) * WORD_BYTES
    this.bytes = new Uint8Array(stampsEnd + room)
    this.head = new Float64Array(this.bytes.buffer, 0, HEAD_WORDS)
    this.stamps = new Float64Array(this.bytes.buffer, HEAD_WORDS * WORD_BYTES, room)
    this.flags = new Uint8Array(this.bytes.buffer, stampsEnd, room)
  }

  /** How many servers are known, this one included. */
  get count() {
    return this.head[Length] + 1
  }

  /** Whether there was room for all. */
  get isComplete() {
    return this.head[Version] >= 0
  }

  /** The same with more room, to be written. */
  grown() {
    const snapshot = new RosterSnapshot(this.count * 2)
    snapshot.head.set(this.head)
    return snapshot
  }

  /**
   * Fresh objects, which are the caller's to change.
   *
   * @param {string[]} urls by slot
   * @param {boolean} includeOffline
   * @returns {import('../..').ServerList}
   */
  lists(urls, includeOffline) {
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
