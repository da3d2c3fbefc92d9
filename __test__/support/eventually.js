'use strict'

const { AssertionError } = require('node:assert')
const { setTimeout: pause } = require('node:timers/promises')
const { inspect } = require('node:util')

// What comes late on a busy machine is no fault. Another subject is one of which most tests wait for something in vain.
const PATIENCE = process.env.SHAZBOT_TEST_SUBJECT ? 10_000 : 30_000

const shown = (value) => inspect(value, { depth: 4, breakLength: 110, maxArrayLength: 20 })

/**
 * Waits until `check` returns something truthy, and resolves with it. An assertion that fails inside `check` is only a
 * "not yet", unless it is marked `isFinal`; any other error is passed on at once.
 *
 * @param {() => unknown} check may be asynchronous
 * @param {{within?: number, every?: number, what?: string}} [options] milliseconds, and what is being waited for
 */
async function eventually(check, { within = PATIENCE, every = 25, what = 'the condition' } = {}) {
  const deadline = performance.now() + within
  for (;;) {
    let last
    try {
      const value = await check()
      if (value) return value
      last = `it was ${shown(value)}`
    } catch (error) {
      if (!(error instanceof AssertionError) || error.isFinal) throw error
      last = error.message
    }
    if (performance.now() >= deadline) fail(`${what}: not within ${within} ms; at last ${last}`, eventually)
    await pause(every)
  }
}

/**
 * Resolves after `lasting` ms if `check` returned something truthy all the while; fails as soon as it does not.
 *
 * @param {() => unknown} check may be asynchronous, and may hold assertions
 * @param {{lasting: number, every?: number, what?: string}} options
 */
async function throughout(check, { lasting, every = 50, what = 'the condition' }) {
  const began = performance.now()
  while (performance.now() - began < lasting) {
    const value = await check()
    if (!value) fail(`${what}: held for ${Math.round(performance.now() - began)} ms only`, throughout)
    await pause(every)
  }
}

/** Resolves with what `promise` resolves with; fails if that takes longer than `within` ms. */
async function inTime(promise, { within, what = 'the promise' }) {
  let timer
  const late = new Promise((_, reject) => {
    timer = setTimeout(
      () => reject(new AssertionError({ message: `${what}: not within ${within} ms` })),
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

module.exports = { eventually, throughout, inTime }
