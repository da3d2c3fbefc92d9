'use strict'

const { clearInterval, clearTimeout, setInterval, setTimeout } = require('node:timers')
const addon = require('../engine/addon.js')
const { FOLLOWERS } = require('../engine/lifecycle.js')
const { currentMirror, stopWaiting, wait } = require('../events/feed.js')
const { KEPT_NEWS } = require('../events/mirror.js')
const { NOTHING_KNOWN } = require('../events/report.js')
const { NOTHING } = require('../events/told.js')
const { countEnd, countReader } = require('../events/watchers.js')
const { changePortion, eventText, snapshotPortion } = require('./portions.js')
const { Stream } = require('./stream.js')

/** Streams at once: enough for operators, and little for the server. */
const MAX_STREAMS = 100

/** The time between two comments in a stream, in ms: proxies close connections that seem idle. */
const COMMENT_INTERVAL = 15_000

/** The time between two searches for readers that take nothing, in ms. */
const CHECK_INTERVAL = 1_000

/** How long a shutdown waits for readers to take their last event, in ms. */
const END_TIMEOUT = 500

/** What makes a status worth telling; the other properties change all the time. */
const COMPARED = ['phase', 'isolated', 'siblings', 'online', 'suspects', 'dead', 'left']

/** Follows the news of one engine, for all streams. */
class Hub {
  #mirror = currentMirror()
  #engine
  #id
  #streams = new Set()
  /** The events with news, by the number of what their readers know. */
  #changes = new Map()
  #changesOf
  #isOver = false
  #timers = []

  constructor() {
    hubs.add(this)
    wait(this)
    this.#engine = this.#mirror.engine
  }

  /** Whether its engine still runs, of whose end the event loop may have yet to hear. */
  get isCurrent() {
    return !this.isEnding && this.#mirror.presentView() !== undefined
  }

  /** Whether no stream can begin any more. */
  get isEnding() {
    return this.#isOver || this.#mirror.isEnding || this.#mirror.engine !== this.#engine
  }

  get isFull() {
    return [...hubs].reduce((open, hub) => open + hub.#streams.size, 0) >= MAX_STREAMS
  }

  /**
   * Begins a stream.
   *
   * @param {import('node:http').ServerResponse} response whose head is written
   * @param {{ since?: string, server?: import('node:net').Server,
   *   connection: import('../adapters/core/http/connection.js').Connection }} reader the id of the
   *   last event that it has received, its connection, and the HTTP server of that
   */
  open(response, { since, ...reader }) {
    if (this.#streams.size === 0) this.#begin()
    const stream = new Stream(response, this, reader)
    const view = this.#viewOf(since)
    Object.assign(stream, { view, told: NOTHING })
    this.#streams.add(stream)
    countReader(stream)
    stream.closed.then(() => this.#remove(stream))
    stream.tell()
  }

  /** Tells all streams what there is to tell. */
  handleChange() {
    for (const stream of this.#streams) stream.tell()
  }

  /** Returns the next portion for a stream; undefined if it was told everything. */
  next(stream) {
    const mirror = this.#mirror
    if (mirror.engine === this.#engine && stream.view !== mirror.view) {
      const portion = this.#changeFor(stream) ?? snapshotPortion(mirror, this.#idOf(mirror.view))
      Object.assign(stream, { view: mirror.view, told: mirror.told })
      return portion
    }
    const { status } = mirror
    const key = COMPARED.map((name) => status[name]).join()
    if (stream.statusKey === key) return undefined
    stream.statusKey = key
    return [Buffer.from(eventText(this.#idOf(stream.view), 'status', JSON.stringify(status)))].values()
  }

  /** The last event of a stream. */
  lastText({ view }) {
    return eventText(this.#idOf(view), 'end', '{"reason":"shutdown"}')
  }

  /** Ends all streams. Resolves when they are closed. */
  async end() {
    this.#isOver = true
    const streams = [...this.#streams]
    for (const stream of streams) stream.tell()
    const timer = setTimeout(() => {
      for (const stream of streams) stream.destroy()
    }, END_TIMEOUT)
    await Promise.all(streams.map(({ closed }) => closed))
    clearTimeout(timer)
  }

  /** Readers that know the same share an event. */
  #changeFor(stream) {
    const mirror = this.#mirror
    if (this.#changesOf !== mirror.view) this.#changes.clear()
    this.#changesOf = mirror.view
    if (!this.#changes.has(stream.view))
      this.#changes.set(stream.view, changePortion(mirror, stream, this.#idOf(mirror.view)))
    const change = this.#changes.get(stream.view)
    return change && [change].values()
  }

  /** The number of the news up to which a reader knows all, if the engine still keeps the rest. */
  #viewOf(since) {
    const [, id, number] = /^([\da-f]{16})-(\d{1,15})$/.exec(since) ?? []
    const missed = this.#mirror.view - Number(number)
    return id === this.#engineId && missed >= 0 && missed <= KEPT_NEWS ? Number(number) : NOTHING_KNOWN
  }

  #idOf(view) {
    return `${this.#engineId}-${view}`
  }

  get #engineId() {
    this.#id ??= addon.engineId()
    return this.#id
  }

  #begin() {
    this.#every(COMMENT_INTERVAL, (stream) => stream.comment())
    this.#every(CHECK_INTERVAL, (stream) => stream.check(performance.now()))
  }

  #every(interval, act) {
    const timer = setInterval(() => {
      for (const stream of this.#streams) act(stream)
    }, interval)
    this.#timers.push(timer.unref())
  }

  #remove(stream) {
    this.#streams.delete(stream)
    countEnd(stream)
    this.release()
  }

  /** Drops the hub if it has no streams: nothing refers to the mirror then. */
  release() {
    if (this.#streams.size > 0) return
    hubs.delete(this)
    stopWaiting(this)
    for (const timer of this.#timers.splice(0)) clearInterval(timer)
  }
}

/**
 * The hubs in use: that of the running engine, and earlier ones until their streams are closed.
 *
 * @type {Set<Hub>}
 */
const hubs = new Set()

/** Returns the hub of the running engine. */
function currentHub() {
  return [...hubs].find((hub) => !hub.isEnding) ?? new Hub()
}

// A shutdown waits until the streams are closed.
addon[FOLLOWERS] ??= new Set()
addon[FOLLOWERS].add(() => Promise.all([...hubs].map((hub) => hub.end())))

module.exports = { currentHub, MAX_STREAMS, COMMENT_INTERVAL }
