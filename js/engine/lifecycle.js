'use strict'

const addon = require('./addon.js')
const { noteRunning, runsElsewhere } = require('./copies.js')
const { notStarted, withPublicErrors } = require('./errors.js')

const startNative = withPublicErrors(addon.start)

/**
 * Where the addon's object keeps how to end the engine that runs. An environment has one engine, but may load this module
 * several times (Jest resets its module registry): then each load sees only the engine that it has started itself.
 */
const END_RUNNING = Symbol.for('clustershazbot.endRunning')

/** What helps whoever has asked a copy of this package that runs no engine, while another one does. */
const OTHER_COPY = 'another copy of the package runs one in this process, see "Two copies" in its README'

/** The start that is under way or done; null while this module's engine does not run. */
let started = null
/** The shut-down under way, or null. */
let stopping = null
/** Whether a start was asked for after that shut-down had begun. */
let startAgain = false
/** The start that followed upon the last shut-down, where one was asked for. */
let startedAgain
/** Whether the log has been told that another copy of the package runs an engine. */
let hasWarnedOfCopy = false
/** Writes to the console. It is loaded by the first start, for the sake of programs that only load the package. */
let log

/**
 * Starts the engine, or joins the start that is under way or done; during a shut-down, starts as soon as that is over.
 *
 * @returns {Promise<void>}
 */
function start() {
  if (!started && !stopping && addon[END_RUNNING]) stopping = addon[END_RUNNING]().then(stopped)
  if (!stopping) return started ?? begin()
  startAgain = true
  return stopping.then(() => startedAgain)
}

/**
 * Ends the engine, whether it is running or still starting; also takes back a start that was waiting for a shut-down.
 *
 * @returns {Promise<void>}
 */
function shutDown() {
  startAgain = false
  if (!started) return stopping ?? Promise.resolve()
  stopping ??= addon.shutDown().then(() => {
    addon[END_RUNNING] = undefined
    log('log', 'Clustershazbot engine shut down')
    stopped()
  })
  return stopping
}

/** Throws unless the engine that this module has started answers requests. */
function requireRunning() {
  if (started) return
  if (!runsElsewhere()) throw notStarted()
  warnOfCopy()
  throw notStarted(OTHER_COPY)
}

/** Bundles hold a copy of their own of what they do not leave external. */
function warnOfCopy() {
  if (hasWarnedOfCopy) return
  hasWarnedOfCopy = true
  const { readEnvironment } = require('./environment.js')
  const { createLog } = require('./logging.js')
  createLog(readEnvironment().SHAZBOT_LOG)(
    'warn',
    `Clustershazbot: this copy of the package has no engine: ${OTHER_COPY}`,
  )
}

async function begin() {
  const { readEnvironment, strayNames } = require('./environment.js')
  const environment = readEnvironment()
  log = require('./logging.js').createLog(environment.SHAZBOT_LOG)
  warnOf(strayNames())
  const bootstrapped = startEngine(environment)
  addon[END_RUNNING] = shutDown
  noteRunning(true)
  const run = bootstrapped.then(() => {
    if (started === run && !stopping) log('log', 'Clustershazbot engine started')
  })
  started = run
  return run
}

function warnOf(names) {
  if (names.length === 0) return
  for (const warning of require('./stray-names.js').warningsOfNames(names)) log('warn', warning)
}

function startEngine(environment) {
  try {
    return startNative(environment, log)
  } catch (error) {
    const missing = error.code === 'SHAZBOT_CONFIG' ? addon.missingVariables(environment) : []
    if (missing.length > 0) error.missing = missing
    // The error's own message names only the first.
    if (missing.length > 1)
      log('error', `Clustershazbot: environment variables missing: ${missing.join(', ')}`)
    throw error
  }
}

function stopped() {
  const again = startAgain
  noteRunning(false)
  started = null
  stopping = null
  startAgain = false
  startedAgain = again ? start() : undefined
}

module.exports = { start, shutDown, requireRunning }
