'use strict'

const { setTimeout, clearTimeout } = require('node:timers')
const { stopWaiting, wait } = require('./feed.js')
const { optionsObject, requireCount, requireDelay, requireSignal } = require('./options.js')
const { readStatus } = require('./report.js')

const DEFAULT_QUIET = 2_000

/** Waits until the view has been quiet for a while. */
class Settling {
  #options
  #resolve
  #timer
  #isOver = false

  constructor(options, resolve) {
    this.#options = options
    this.#resolve = resolve
  }

  begin() {
    wait(this)
    this.handleChange()
  }

  end() {
    this.#isOver = true
    clearTimeout(this.#timer)
    stopWaiting(this)
  }

  handleChange() {
    if (this.#isOver) return
    clearTimeout(this.#timer)
    const { quiet, atLeast } = this.#options
    const status = readStatus()
    const isRunning = status.phase === 'running' || status.phase === 'drained'
    if (!isRunning || status.online < atLeast) return
    const remaining = quiet - status.quietFor
    if (remaining > 0) {
      this.#timer = setTimeout(() => this.handleChange(), remaining).unref()
      return
    }
    this.end()
    this.#resolve(status)
  }
}

/** Resolves once the view is quiet; see `index.d.ts`. */
async function shazbotSettled(options) {
  const { quiet = DEFAULT_QUIET, atLeast = 1, signal } = optionsObject(options)
  requireDelay('quiet', quiet)
  requireCount('atLeast', atLeast)
  requireSignal(signal)
  signal?.throwIfAborted()
  let abort
  try {
    return await new Promise((resolve, reject) => {
      const settling = new Settling({ quiet, atLeast }, resolve)
      abort = () => {
        settling.end()
        reject(signal.reason)
      }
      signal?.addEventListener('abort', abort)
      settling.begin()
    })
  } finally {
    signal?.removeEventListener('abort', abort)
  }
}

module.exports = { shazbotSettled }
