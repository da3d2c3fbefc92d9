'use strict'

const addon = require('../engine/addon.js')

// The indices in the text of `src/binding/news.rs`.
const STATES = ['unknown', 'online', 'suspect', 'dead', 'left']
const PHASES = ['starting', 'running', 'drained', 'leaving']
const CAUSES = ['answered', 'said', 'refused', 'silent', 'rumour', 'list', 'control', 'age', 'known']
const HEAD_LENGTH = 13
const VALUES_PER_NEWS = 4

/** The number that asks for all servers. */
const NOTHING_KNOWN = -1
/** The number that asks for the state of this server only. */
const EVERYTHING_KNOWN = Number.POSITIVE_INFINITY
/** The number of no engine. */
const NO_ENGINE = 0

/** The status while no engine runs. */
const STOPPED = Object.freeze({
  phase: 'stopped',
  isolated: false,
  siblings: false,
  view: 0,
  online: 0,
  suspects: 0,
  dead: 0,
  left: 0,
  quietFor: 0,
  lag: 0,
})

/**
 * @typedef {object} Report what a reader is told who knows the news of an engine up to some number
 * @property {number} engine the number of the engine that reports
 * @property {boolean} hasEnded whether these are the last news of an engine that has ended
 * @property {import('./index').ShazbotStatus} status
 * @property {import('./index').ShazbotNews[]} servers all servers, if news that the reader lacks
 * are no longer kept
 * @property {import('./index').ShazbotNews[]} news the news that the reader lacks; with servers, or
 * if the engine has ended, all that are kept
 */

/**
 * Reads what a reader has missed. Afterwards, further news wake this thread once.
 *
 * @param {number} engine the number of the engine that the reader follows
 * @param {number} view the number of the news that the reader was told last
 * @returns {Report | undefined} nothing if no engine runs
 */
function readReport(engine, view) {
  const text = addon.news(engine, view)
  if (text === null) return undefined
  const values = JSON.parse(text)
  const [number, phase, latest, hasEnded, isolated, siblings, online, suspects, dead, left] = values
  const [servers, quietFor, lag] = values.slice(HEAD_LENGTH - 3, HEAD_LENGTH)
  const status = Object.freeze({
    phase: PHASES[phase],
    isolated: isolated === 1,
    siblings: siblings === 1,
    view: latest,
    online,
    suspects,
    dead,
    left,
    quietFor,
    lag,
  })
  const firstNews = HEAD_LENGTH + servers * VALUES_PER_NEWS
  const count = (values.length - firstNews) / VALUES_PER_NEWS
  return {
    engine: number,
    hasEnded: hasEnded === 1,
    status,
    servers: Array.from({ length: servers }, (_, index) =>
      newsAt(values, HEAD_LENGTH + index * VALUES_PER_NEWS, latest),
    ),
    news: Array.from({ length: count }, (_, index) =>
      newsAt(values, firstNews + index * VALUES_PER_NEWS, latest - count + 1 + index),
    ),
  }
}

/** Returns the state of this server; see `index.d.ts`. */
function readStatus() {
  const report = readReport(NO_ENGINE, EVERYTHING_KNOWN)
  return report ? report.status : STOPPED
}

function newsAt(values, place, view) {
  const code = values[place + 3]
  const state = code & 7 ? STATES[code & 7] : 'forgotten'
  const previous = STATES[(code >> 3) & 7]
  const monitor = (code & 64) !== 0
  return createNews({
    server: Object.freeze({ baseUrl: values[place], monitor, lastUpdate: values[place + 1] }),
    state,
    previous,
    cause: CAUSES[code >> 8],
    self: (code & 128) !== 0,
    at: values[place + 2],
    view,
  })
}

/** Returns a piece of news, with the type that its states make. */
function createNews({ server, state, previous, cause, self, at, view }) {
  const type = typeOf(state, previous)
  return Object.freeze({ type, server, state, previous, cause, self, at, view })
}

function typeOf(state, previous) {
  switch (state) {
    case 'online':
      return previous === 'suspect' ? 'trust' : 'up'
    case 'dead':
      return 'down'
    case 'left':
      return 'leave'
    case 'forgotten':
      return 'forget'
    default:
      return 'suspect'
  }
}

module.exports = { EVERYTHING_KNOWN, NO_ENGINE, NOTHING_KNOWN, STOPPED, createNews, readReport, readStatus }
