'use strict'

/**
 * The global object's key for the copies of this package that run an engine. Each worker and each
 * `vm` context has its own global object, and so does each test file of Jest.
 */
const RUNNING = Symbol.for('clustershazbot.running')

/** The identity of this copy. A test runner that loads the same file again has no other copy. */
const THIS_COPY = typeof __filename === 'string' ? __filename : ''

/** Records that this copy runs an engine. */
function recordStarted() {
  runningCopies().add(THIS_COPY)
}

/** Records that this copy runs no engine any more. */
function recordStopped() {
  runningCopies().delete(THIS_COPY)
}

/** Whether another copy runs an engine while this one does not. */
function runsInOtherCopy() {
  const running = runningCopies()
  return running.size > 0 && !running.has(THIS_COPY)
}

function runningCopies() {
  if (globalThis[RUNNING] instanceof Set) return globalThis[RUNNING]
  const running = new Set()
  try {
    Object.defineProperty(globalThis, RUNNING, { value: running, configurable: true })
  } catch {
    // A frozen global object cannot record anything.
  }
  return running
}

module.exports = { recordStarted, recordStopped, runsInOtherCopy }
