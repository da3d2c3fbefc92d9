'use strict'

const { AssertionError } = require('node:assert')
const { setTimeout: pause } = require('node:timers/promises')
const { inspect } = require('node:util')

// Delays on a busy machine are no failures. With another subject, most tests time out anyway.
const DEFAULT_TIMEOUT = process.env.SHAZBOT_TEST_SUBJECT ? 10_000 : 30_000

const inspected = (value) => inspect(value, { depth: 4, breakLength: 110, maxArrayLength: 20 })

/**
 * Waits until `check` returns something truthy, and resolves with it. A failed assertion in `check`
 * means "not yet", unless it is marked `isFinal`; any other error rejects at once.
 *
 * @param {() => unknown} check may be asynchronous
 * @param {{within?: number, every?: number, what?: string}} [options] milliseconds, and a
 * description
 */
async function eventually(check, { within = DEFAULT_TIMEOUT, every = 25, what = 'the condition' } = {}) {
  const deadline = performance.now() + within
  for (;;) {
    let last
    try {
      const value = await check()
      if (value) return value
      last = inspected(value)
    } catch (error) {
      if (!(error instanceof AssertionError) || error.isFinal) throw error
      last = error.message
    }
    if (performance.now() >= deadline)
      fail(`timed out after ${within} ms: ${what}; last: ${last}`, eventually)
    await pause(every)
  }
}

/**
 * Resolves after `lasting` ms if `check` always returned something truthy; rejects as soon as it
 * does not.
 *
 * @param {() => unknown} check may be asynchronous, and may contain assertions
 * @param {{lasting: number, every?: number, what?: string}} options
 */
async function throughout(check, { lasting, every = 50, what = 'the condition' }) {
  const began = performance.now()
  while (performance.now() - began < lasting) {
    const value = await check()
    if (!value) fail(`held only for ${Math.round(performance.now() - began)} ms: ${what}`, throughout)
    await pause(every)
  }
}

/** Resolves with the result of `promise`; rejects after `within` ms. */
async function withTimeout(promise, { within, what = 'the promise' }) {
  let timer
  const late = new Promise((_, reject) => {
    timer = setTimeout(
      () => reject(new AssertionError({ message: `timed out after ${within} ms: ${what}` })),
      within,
    )
  })
  try {
    return await Promise.race([promise, late])
  } finally {
    clearTimeout(timer)
  }
}

function fail(message, stackStartFn) {
  throw new AssertionError({ message, stackStartFn })
}

module.exports = { eventually, throughout, withTimeout }
