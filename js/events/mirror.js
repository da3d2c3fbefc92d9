'use strict'

const { performance } = require('node:perf_hooks')
const { EVERYTHING_KNOWN, NO_ENGINE, NOTHING_KNOWN, STOPPED, readReport } = require('./report.js')
const { Ledger, difference } = require('./told.js')

/** News that the engine keeps; see `MAX_NEWS` in `src/protocol/members/roster/news.rs`. */
const KEPT_NEWS = 1_024

/** What makes a status a new one. */
const COMPARED = ['phase', 'isolated', 'siblings', 'online', 'suspects', 'dead', 'left']

/**
 * What was told about the engine of this environment up to some number. There is one mirror, that
 * of the fastest readers; it lives as long as a reader refers to it.
 */
class Mirror {
  engine = NO_ENGINE
  /** The number of the engine that was followed last, which may have ended. */
  latestEngine = NO_ENGINE
  /** The number of the news that was told last. */
  view = 0
  status = STOPPED
  /** Whether news have come that nobody has read. */
  isStale = false
  /** The latest change, for readers that knew the news before it. */
  change
  #viewBefore = 0
  #isReading = false
  #ledger = new Ledger()
  /** The time of the latest report, on the engine's clock and on the monotonic one. */
  #at = 0
  #readAt = performance.now()

  constructor() {
    const report = readReport(NO_ENGINE, NOTHING_KNOWN)
    if (report) this.#follow(report)
  }

  get told() {
    return this.#ledger.told
  }

  /** Whether the engine ends, so that readers need to hear no more of it. */
  get isEnding() {
    return this.status.phase === 'leaving' || this.status.phase === 'stopped'
  }

  /**
   * Returns the number of the latest news of its engine, of which the event loop may have yet to
   * hear; undefined if that engine does not run any more.
   */
  presentView() {
    const report = readReport(NO_ENGINE, EVERYTHING_KNOWN)
    const runs = report?.engine === this.engine && report.status.phase !== 'leaving'
    return runs ? report.status.view : undefined
  }

  /** Milliseconds since the latest news. */
  get quietFor() {
    return this.status.quietFor + performance.now() - this.#readAt
  }

  /**
   * Reads the news, and calls `deliver` after each change, of the news or of the status alone.
   *
   * @param {(change?: import('./index').ShazbotChange, status?: import('./index').ShazbotStatus) => void} deliver
   */
  read(deliver) {
    // A listener may ask for news again.
    if (this.#isReading) return
    this.#isReading = true
    this.isStale = false
    try {
      this.#readAll(deliver)
    } finally {
      this.#isReading = false
    }
  }

  #readAll(deliver) {
    for (;;) {
      const report = readReport(this.engine, this.view)
      if (report && report.engine === this.engine) {
        this.#apply(report, deliver)
        if (!report.hasEnded) return
        this.#reset(NO_ENGINE)
      } else {
        this.#reset(report?.engine ?? NO_ENGINE)
        if (report) continue
        const isStatusNew = differs(this.status, STOPPED)
        this.status = STOPPED
        if (isStatusNew) deliver(undefined, STOPPED)
        return
      }
    }
  }

  /**
   * Returns what a reader is told who knows the news of this engine up to `view`; the result may be
   * empty.
   *
   * @param {{ view: number, told: import('./told').Told }} reader
   * @returns {{ news: import('./index').ShazbotNews[], snapshot: boolean }}
   */
  missedBy({ view, told }) {
    if (view === this.view) return { news: [], snapshot: false }
    if (this.change && view === this.#viewBefore) return this.change
    if (view >= 0 && this.view - view <= KEPT_NEWS) {
      const report = readReport(this.engine, view)
      const news = report?.news.filter((piece) => piece.view > view && piece.view <= this.view) ?? []
      if (news.length === this.view - view) return { news, snapshot: false }
    }
    return { news: difference(told, this.told, { view: this.view, at: this.#at }), snapshot: true }
  }

  /** Returns a change with this news. */
  changeOf({ news, snapshot }) {
    const { view, status } = this
    return Object.freeze({ view, at: this.#at, news: Object.freeze(news), snapshot, online: status.online })
  }

  #apply(report, deliver) {
    const { view, told, status } = this
    const missed = lacksNews(report, view) ? undefined : newsAfter(report, view)
    this.#follow(missed ? { ...report, servers: [], news: missed } : report)
    const news = missed ?? difference(told, this.told, { view: this.view, at: this.#at })
    const change = news.length > 0 ? this.changeOf({ news, snapshot: !missed }) : undefined
    if (this.view !== view) {
      this.change = change
      this.#viewBefore = view
    }
    if (report.hasEnded) this.status = STOPPED
    const isStatusNew = differs(status, this.status)
    if (change || isStatusNew) deliver(change, isStatusNew ? this.status : undefined)
  }

  #follow({ engine, status, servers, news }) {
    this.engine = engine
    this.latestEngine = engine
    this.view = status.view
    this.status = status
    this.#at = latestOf(servers) ?? news.at(-1)?.at ?? this.#at
    this.#readAt = performance.now()
    if (servers.length > 0) this.#ledger.replace({ servers, news, view: this.view, at: this.#at })
    else if (news.length > 0) this.#ledger.add(news)
  }

  #reset(engine) {
    this.engine = engine
    this.view = 0
    this.change = undefined
    this.#ledger = new Ledger()
  }
}

/**
 * Returns the last change of an engine that has ended, for a reader that knows its news up to
 * `view`; undefined if the engine has nothing more to tell, or another one has ended since.
 *
 * @param {{ engine: number, view: number, told: import('./told').Told }} reader
 */
function lastChange({ engine, view, told }) {
  const report = readReport(engine, view)
  if (report?.engine !== engine || report.news.length === 0) return undefined
  const now = { view: report.status.view, at: report.news.at(-1).at }
  const snapshot = view === NOTHING_KNOWN || lacksNews(report, view)
  const news = snapshot ? difference(told, toldBy(report, now), now) : newsAfter(report, view)
  if (news.length === 0) return undefined
  return Object.freeze({ ...now, news: Object.freeze(news), snapshot, online: report.status.online })
}

/** Returns what a reader of this report alone was told. */
function toldBy({ servers, news }, now) {
  const ledger = new Ledger()
  if (servers.length > 0) ledger.replace({ servers, news, ...now })
  else ledger.add(news)
  return ledger.told
}

/**
 * Whether a report lacks news after the one with this number, and has all servers instead. The last
 * report of an engine may have both.
 */
function lacksNews({ servers, news }, view) {
  return servers.length > 0 && !(news[0]?.view <= view + 1)
}

/** The news of a report after the one with this number. */
function newsAfter({ news }, view) {
  return news.filter((piece) => piece.view > view)
}

/** The time of the latest change of servers; undefined without any. */
function latestOf(servers) {
  return servers.length > 0 ? servers.reduce((latest, { at }) => Math.max(latest, at), 0) : undefined
}

/** Whether a status differs in more than its numbers and times. */
function differs(before, after) {
  return COMPARED.some((name) => before[name] !== after[name])
}

module.exports = { KEPT_NEWS, Mirror, lastChange }
