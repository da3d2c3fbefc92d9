'use strict'

const addon = require('./addon.js')

/**
 * The addon's key for the function that ends the running engine. An environment has one engine, but
 * may load this module several times (Jest resets its module registry). Each load only sees the
 * engine that it started.
 */
const END_ENGINE = Symbol.for('clustershazbot.endRunning')

/**
 * The addon's key for the functions that end what follows an engine, for each load of a module with
 * such followers. A shutdown waits for them.
 */
const FOLLOWERS = Symbol.for('clustershazbot.followers')

/** The hint for a program that has called a copy without an engine while another copy runs one. */
const OTHER_COPY = 'another copy of the package runs one in this process, see "Two copies" in its README'

/** The start that is in progress or complete; null while this module's engine does not run. */
let started = null
/** The shutdown in progress, or null. */
let stopping = null
/** Whether a start was requested during that shutdown. */
let startAgain = false
/** The start that followed the last shutdown, if one was requested. */
let startedAgain
/** Whether the warning about another copy has been logged. */
let hasWarnedAboutCopy = false
/** Records which copies run an engine. Loaded by the first start or misuse, as `log`. */
let copiesModule
/** Writes to the console. Loaded by the first start, which keeps loading the package fast. */
let log

/**
 * Starts the engine, or joins the start that is in progress or complete; waits for a shutdown in
 * progress.
 *
 * @returns {Promise<void>}
 */
function start() {
  if (!started && !stopping && addon[END_ENGINE]) stopping = addon[END_ENGINE]().then(handleStopped)
  if (!stopping) return started ?? startNow()
  startAgain = true
  return stopping.then(() => startedAgain)
}

/**
 * Ends the engine, even one that is still starting; also cancels a start that waits for a
 * shutdown.
 *
 * @returns {Promise<void>}
 */
function shutDown() {
  startAgain = false
  if (!started) return stopping ?? Promise.resolve()
  stopping ??= addon
    .shutDown()
    .then(endFollowers)
    .then(() => {
      addon[END_ENGINE] = undefined
      log('log', 'Clustershazbot engine shut down')
      handleStopped()
    })
  return stopping
}

/** Resolves when nobody follows the engine that has ended. */
function endFollowers() {
  return Promise.all([...(addon[FOLLOWERS] ?? [])].map((end) => end()))
}

/** Throws unless the engine that this module has started answers requests. */
function requireRunning() {
  if (started) return
  const { notStarted } = require('./errors.js')
  if (!copies().runsInOtherCopy()) throw notStarted()
  warnAboutCopy()
  throw notStarted(OTHER_COPY)
}

/** A bundle contains its own copy of every package that is not external. */
function warnAboutCopy() {
  if (hasWarnedAboutCopy) return
  hasWarnedAboutCopy = true
  const { readEnvironment } = require('./environment.js')
  const { createLog } = require('./logging.js')
  createLog(readEnvironment().SHAZBOT_LOG)(
    'warn',
    `Clustershazbot: this copy of the package has no engine: ${OTHER_COPY}`,
  )
}

async function startNow() {
  const { readEnvironment, unknownNames } = require('./environment.js')
  const environment = readEnvironment()
  log = require('./logging.js').createLog(environment.SHAZBOT_LOG)
  warnAbout(unknownNames())
  const bootstrapped = startEngine(environment)
  addon[END_ENGINE] = shutDown
  copies().recordStarted()
  const run = bootstrapped.then((refusal) => {
    if (refusal !== null) {
      // A shutdown in progress resets everything itself.
      if (started === run && !stopping) handleRefused()
      throw require('./errors.js').publicError('SHAZBOT_CONFIG', refusal)
    }
    if (started === run && !stopping) log('log', 'Clustershazbot engine started')
  })
  started = run
  return run
}

function warnAbout(names) {
  if (names.length === 0) return
  for (const warning of require('./unknown-variables.js').warningsAbout(names)) log('warn', warning)
}

function startEngine(environment) {
  try {
    return addon.start(environment, log, () => {})
  } catch (cause) {
    // Loaded by the first error, which keeps loading the package fast.
    const error = require('./errors.js').toPublicError(cause)
    const missing = error.code === 'SHAZBOT_CONFIG' ? addon.missingVariables(environment) : []
    if (missing.length > 0) error.missing = missing
    // The error's own message names only the first one.
    if (missing.length > 1)
      log('error', `Clustershazbot: environment variables missing: ${missing.join(', ')}`)
    throw error
  }
}

function copies() {
  copiesModule ??= require('./package-copies.js')
  return copiesModule
}

/** Resets everything after a start whose files could not be used. A later one may succeed. */
function handleRefused() {
  addon[END_ENGINE] = undefined
  copies().recordStopped()
  started = null
}

function handleStopped() {
  const again = startAgain
  copies().recordStopped()
  started = null
  stopping = null
  startAgain = false
  startedAgain = again ? start() : undefined
}

module.exports = { start, shutDown, requireRunning, FOLLOWERS }
