'use strict'

// The other end is `src/binding/sheet.rs`.
const HEAD_WORDS = 8
const WORD_BYTES = 8
const LENGTH = 2
const TOUCHES = 3
const OWN_STAMP = 4
const OWN_FLAGS = 5

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
   * @returns {import('..').ServerList}
   */
  lists(urls, includeOffline) {
    const { head, stamps, flags, count } = this
    const online = []
    const offline = []
    let flag = head[OWN_FLAGS]
    let lastUpdate = head[OWN_STAMP]
    for (let place = 0; place < count; place++) {
      if (place > 0) {
        flag = flags[place - 1]
        lastUpdate = stamps[place - 1]
      }
      if (flag & ONLINE) online.push({ baseUrl: urls[place], monitor: (flag & MONITOR) !== 0, lastUpdate })
      else if (includeOffline)
        offline.push({ baseUrl: urls[place], monitor: (flag & MONITOR) !== 0, lastUpdate })
    }
    return includeOffline ? { online, offline } : { online }
  }
}

module.exports = { Sheet }
