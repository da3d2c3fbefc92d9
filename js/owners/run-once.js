'use strict'

const { performance } = require('node:perf_hooks')
const { setTimeout, clearTimeout } = require('node:timers')
const { requireRunning } = require('../engine/lifecycle.js')
const { stopWaiting, wait } = require('../events/feed.js')
const { readStatus } = require('../events/report.js')
const { requireKey, requireRun, runOnceOptions } = require('./arguments.js')
const { isOwner, shazbotOwner } = require('./owners.js')
const { isFurtherInstance, warnAboutSiblings } = require('./siblings.js')

/** Why the function's signal aborts. */
const ABORTED = {
  'not owner': 'another server owns the key',
  isolated: 'this server has lost contact with most others',
  drained: 'this server is drained or shuts down',
  'not started': 'the engine of this server has ended',
}

/** Calls a function on the owner of a key; see `index.d.ts`. */
async function shazbotRunOnce(key, run, options) {
  requireKey(key)
  requireRun(run)
  const { quiet, within, atLeast, signal } = runOnceOptions(options)
  signal?.throwIfAborted()
  const why = runsHere() ? await new Settling({ quiet, within, signal }).end : 'not started'
  signal?.throwIfAborted()
  if (why) return { ran: false, why }
  const { isolated, online, siblings } = readStatus()
  if (isolated) return { ran: false, why: 'isolated' }
  if (online < atLeast) return { ran: false, why: 'too few' }
  if (!isOwner(key) || isFurtherInstance()) return { ran: false, why: 'not owner', owner: shazbotOwner(key) }
  if (siblings) warnAboutSiblings(shazbotOwner(key))
  return { ran: true, value: await new Running(key, signal).call(run) }
}

/** Whether this load of the package has started an engine. Warns if another copy has. */
function runsHere() {
  try {
    requireRunning()
    return true
  } catch {
    return false
  }
}

/** Waits until the view of the cluster has been quiet for a while, or cannot become so. */
class Settling {
  #quiet
  #signal
  #deadline
  #timer
  #resolve
  #reject

  /** @param {{ quiet: number, within: number, signal?: AbortSignal }} options */
  constructor({ quiet, within, signal }) {
    this.#quiet = quiet
    this.#signal = signal
    this.#deadline = performance.now() + within
    /** Resolves with why nothing is to run; undefined if the view is quiet. */
    this.end = new Promise((resolve, reject) => {
      this.#resolve = resolve
      this.#reject = reject
    })
    signal?.addEventListener('abort', this.#abort)
    wait(this)
    this.handleChange()
  }

  /** Looks at the state of this server, and again after news or when it may have become quiet. */
  handleChange() {
    clearTimeout(this.#timer)
    const status = readStatus()
    if (unable(status)) return this.#finish(unable(status))
    const isRunning = status.phase === 'running'
    const missing = this.#quiet - status.quietFor
    if (isRunning && missing <= 0) return this.#finish()
    const left = this.#deadline - performance.now()
    if (left <= 0) return this.#finish('not settled')
    const delay = Math.ceil(isRunning ? Math.min(missing, left) : left)
    this.#timer = setTimeout(() => this.handleChange(), delay).unref()
  }

  #abort = () => {
    this.#rest()
    this.#reject(this.#signal.reason)
  }

  #finish(why) {
    this.#rest()
    this.#resolve(why)
  }

  #rest() {
    clearTimeout(this.#timer)
    stopWaiting(this)
    this.#signal?.removeEventListener('abort', this.#abort)
  }
}

/** A call of the function, whose signal aborts when it should no longer run here. */
class Running {
  #key
  #signal
  #controller = new AbortController()

  constructor(key, signal) {
    this.#key = key
    this.#signal = signal
  }

  async call(run) {
    wait(this)
    this.#signal?.addEventListener('abort', this.#abort)
    try {
      return await run(this.#controller.signal)
    } finally {
      this.#rest()
    }
  }

  handleChange() {
    const status = readStatus()
    const why = unable(status) ?? (status.isolated ? 'isolated' : undefined)
    if (why) this.#end(why)
    else if (!isOwner(this.#key)) this.#end('not owner')
  }

  #abort = () => {
    this.#rest()
    this.#controller.abort(this.#signal.reason)
  }

  #end(why) {
    this.#rest()
    this.#controller.abort(new DOMException(`The run was aborted: ${ABORTED[why]}`, 'AbortError'))
  }

  #rest() {
    stopWaiting(this)
    this.#signal?.removeEventListener('abort', this.#abort)
  }
}

/** Returns why a server in this state runs nothing, however long it waits. */
function unable({ phase }) {
  if (phase === 'stopped') return 'not started'
  return phase === 'drained' || phase === 'leaving' ? 'drained' : undefined
}

module.exports = { shazbotRunOnce }
