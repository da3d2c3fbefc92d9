'use strict'

const { performance } = require('node:perf_hooks')
const { setTimeout, clearTimeout } = require('node:timers')
const { currentMirror, stopWaiting, wait } = require('./feed.js')
const { lastChange } = require('./mirror.js')
const { watchOptions } = require('./options.js')
const { NOTHING_KNOWN, NO_ENGINE } = require('./report.js')
const { NOTHING, withoutCancelled } = require('./told.js')
const { countEnd, countReader, watchers } = require('./watchers.js')

/** A settling watch yields after this many times its `settle` at the latest. */
const MAX_SETTLE_TIMES = 10

/** An async iterator of changes; see `index.d.ts`. It has the number of what it was told last. */
class ShazbotWatch {
  #mirror = currentMirror()
  #engine = NO_ENGINE
  /** The engine before its own, if it was set up before the start. */
  #engineBefore = this.#mirror.latestEngine
  #view = 0
  #told = NOTHING
  /** The number of the news that its first change has to show. */
  #begin = 0
  #settle
  #signal
  /** Those who wait for a change, in order. */
  #waiting = []
  #timer
  /** When news came that it was not told, while it settles. */
  #missedSince
  #isOver = false
  #end = () => this.#finish()

  constructor({ signal, snapshot, settle }) {
    this.#signal = signal
    this.#settle = settle
    const presentView = this.#mirror.presentView()
    if (presentView === undefined) return
    const { engine, view, told } = this.#mirror
    this.#engine = engine
    this.#view = snapshot ? NOTHING_KNOWN : view
    this.#told = snapshot ? NOTHING : told
    this.#begin = snapshot ? presentView : view
  }

  next() {
    if (this.#signal?.aborted) this.#finish()
    if (this.#isOver) return Promise.resolve(DONE)
    return new Promise((resolve) => {
      this.#waiting.push(resolve)
      if (this.#waiting.length > 1) return
      // Reads what came while nobody waited.
      currentMirror()
      this.handleChange()
      if (this.#waiting.length === 0) return
      this.#signal?.addEventListener('abort', this.#end)
      countReader(this)
      wait(this)
    })
  }

  return(value) {
    this.#finish()
    return Promise.resolve({ value, done: true })
  }

  [Symbol.asyncIterator]() {
    return this
  }

  async [Symbol.asyncDispose]() {
    this.#finish()
  }

  /** Tells those who wait what there is to tell. */
  handleChange() {
    const change = this.#takeChange()
    if (change) this.#waiting.shift()({ value: change, done: false })
    if (this.#isOver) this.#finish()
    else if (this.#waiting.length === 0) this.#rest()
  }

  /** Returns what it was not told yet, unless that still settles. */
  #takeChange() {
    const mirror = this.#mirror
    if (this.#engine === NO_ENGINE && mirror.latestEngine !== this.#engineBefore)
      this.#engine = mirror.latestEngine
    if (this.#engine !== mirror.engine) {
      this.#isOver = true
      const change = lastChange({ engine: this.#engine, view: this.#view, told: this.#told })
      this.#countOverrun(change)
      return change
    }
    if (this.#engine === NO_ENGINE || mirror.view < this.#begin || !this.#isSettled()) return undefined
    const missed = mirror.missedBy({ view: this.#view, told: this.#told })
    this.#countOverrun(missed)
    this.#view = mirror.view
    this.#told = mirror.told
    this.#missedSince = undefined
    this.#isOver = mirror.isEnding
    return this.#changeOf(missed)
  }

  /** The first change of a watch may be a snapshot, too. */
  #countOverrun(missed) {
    if (missed?.snapshot && this.#view !== NOTHING_KNOWN) watchers.overruns++
  }

  #changeOf(missed) {
    const isSettled = this.#settle > 0 && !missed.snapshot
    const news = isSettled ? withoutCancelled(missed.news) : missed.news
    if (news.length === 0) return undefined
    // Readers that were told the same share a change.
    return missed === this.#mirror.change && !isSettled
      ? missed
      : this.#mirror.changeOf({ news, snapshot: missed.snapshot })
  }

  /** Whether nothing has happened for long enough. If not, looks again later. */
  #isSettled() {
    clearTimeout(this.#timer)
    const mirror = this.#mirror
    if (this.#settle === 0 || mirror.isEnding || this.#view === mirror.view) return true
    this.#missedSince ??= performance.now()
    const deadline = this.#missedSince + MAX_SETTLE_TIMES * this.#settle - performance.now()
    const delay = Math.min(this.#settle - mirror.quietFor, deadline)
    if (delay <= 0) return true
    this.#timer = setTimeout(() => this.handleChange(), Math.ceil(delay)).unref()
    return false
  }

  /** Ends the watch, and all that waits for it. */
  #finish() {
    this.#isOver = true
    this.#rest()
    for (const resolve of this.#waiting.splice(0)) resolve(DONE)
  }

  /** Hears no more news until somebody waits. */
  #rest() {
    clearTimeout(this.#timer)
    stopWaiting(this)
    countEnd(this)
    this.#signal?.removeEventListener('abort', this.#end)
  }
}

const DONE = Object.freeze({ value: undefined, done: true })

/** Returns a watch; see `index.d.ts`. */
function shazbotWatch(options) {
  return new ShazbotWatch(watchOptions(options))
}

module.exports = { shazbotWatch }
