'use strict'

// The other end is `src/binding/sheet.rs`.
const HEAD_WORDS = 8
const WORD_BYTES = 8
const LENGTH = 2
const TOUCHES = 3
const OWN_STAMP = 4
const OWN_FLAGS = 5
const LIVING = 6

const MONITOR = 1
const ONLINE = 2

const SMALLEST_ROOM = 64

/** What is shown of all servers, but for their names. The addon writes it, and writes anew what may have changed. */
class Sheet {
  constructor(room = SMALLEST_ROOM) {
    const stampsEnd = (HEAD_WORDS + room) * WORD_BYTES
    this.bytes = new Uint8Array(stampsEnd + room)
    this.head = new Float64Array(this.bytes.buffer, 0, HEAD_WORDS)
    this.stamps = new Float64Array(this.bytes.buffer, HEAD_WORDS * WORD_BYTES, room)
    this.flags = new Uint8Array(this.bytes.buffer, stampsEnd, room)
  }

  /** How many servers are known, this one included. */
  get count() {
    return this.head[LENGTH] + 1
  }

  /** Whether there was room for all. */
  get isComplete() {
    return this.head[TOUCHES] >= 0
  }

  /** The same with more room, to be written. */
  grown() {
    const sheet = new Sheet(this.count * 2)
    sheet.head.set(this.head)
    return sheet
  }

  /**
   * Fresh objects, which are the caller's to change.
   *
   * @param {string[]} urls by place
   * @param {boolean} includeOffline
   * @returns {import('../..').ServerList}
   */
  lists(urls, includeOffline) {
    const { head, stamps, flags, count } = this
    const living = head[LIVING]
    const online = new Array(living)
    const offline = new Array(includeOffline ? count - living : 0)
    let onlineCount = 0
    let offlineCount = 0
    let flag = head[OWN_FLAGS] | 0
    let lastUpdate = head[OWN_STAMP]
    for (let place = 0; place < count; place++) {
      const entry = { baseUrl: urls[place], monitor: (flag & MONITOR) !== 0, lastUpdate }
      if (flag & ONLINE) online[onlineCount++] = entry
      else if (includeOffline) offline[offlineCount++] = entry
      flag = flags[place]
      lastUpdate = stamps[place]
    }
    return includeOffline ? { online, offline } : { online }
  }
}

module.exports = { Sheet, MONITOR, ONLINE }
