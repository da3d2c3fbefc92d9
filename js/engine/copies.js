'use strict'

/**
 * Where the global object keeps which copies of this package run an engine. Each worker and each context of `vm` has a
 * global object of its own, and so does each test file of Jest.
 */
const RUNNING = Symbol.for('clustershazbot.running')

/** What this copy is known by. A test runner that loads the same file again has no other copy. */
const THIS_COPY = typeof __filename === 'string' ? __filename : ''

/** Notes that this copy runs an engine, or runs none any more. */
function noteRunning(isRunning) {
  const running = runningCopies()
  if (isRunning) running.add(THIS_COPY)
  else running.delete(THIS_COPY)
}

/** Whether another copy runs an engine, and this one runs none. */
function runsElsewhere() {
  const running = runningCopies()
  return running.size > 0 && !running.has(THIS_COPY)
}

function runningCopies() {
  if (globalThis[RUNNING] instanceof Set) return globalThis[RUNNING]
  const running = new Set()
  try {
    Object.defineProperty(globalThis, RUNNING, { value: running, configurable: true })
  } catch {
    // Nothing can be noted in an environment that is frozen.
  }
  return running
}

module.exports = { noteRunning, runsElsewhere }
