'use strict'

/**
 * The same bytes, once through a body parser and the function, once through what the adapters hand them to: both must lead to
 * the same status and the same lists. `SHAZBOT_TEST_CASES=300000` makes a campaign of it, `SHAZBOT_TEST_SEED` repeats one.
 */

const assert = require('node:assert/strict')
const { once } = require('node:events')
const path = require('node:path')
const { test } = require('node:test')
const { isDeepStrictEqual } = require('node:util')
const { Worker } = require('node:worker_threads')

const { dice } = require('../support/dice')
const { environment } = require('../support/environment')
const { mutatedMessage } = require('../support/mutated-messages')
const { silence } = require('../support/silence')

const CASES = Number(process.env.SHAZBOT_TEST_CASES ?? 10_000)
const SEED = Number(process.env.SHAZBOT_TEST_SEED ?? Date.now() % 1_000_000_000)
/** Told to one pair of engines, before they have asked in vain for a master list. */
const BATCH = 500
const MINUTE = 60_000
/** Repetitions in which a difference has to show. */
const AGAIN = 5
const BASE_URL = 'http://127.0.0.1:9/me/'

/** What an engine of its own answers to these bodies, one after the other. */
async function answersOf(way, store, bodies) {
  const env = environment(store, { SHAZBOT_BASE_URL: BASE_URL, SHAZBOT_GOSSIP_INTERVAL: '60' })
  const worker = new Worker(path.join(__dirname, '..', 'support', 'told-engine.js'), {
    workerData: { env, path: way },
  })
  try {
    worker.postMessage({ bodies })
    // Rejects where the worker throws.
    const [answers] = await once(worker, 'message')
    return answers
  } finally {
    await worker.terminate()
  }
}

/** What both have to agree on. Whatever an engine has stamped itself is a moment of the test. */
function comparable({ status, answer, lists }) {
  const stamp = (at) => (Math.abs(at - Date.now()) < MINUTE ? 'now' : at)
  const strip = (list) =>
    list.map(({ baseUrl, monitor, lastUpdate }) => [
      baseUrl,
      monitor,
      baseUrl === BASE_URL ? 'own' : stamp(lastUpdate),
    ])
  const stripAll = ({ online, offline }) => [strip(online), strip(offline)]
  if (status !== 200) return { status, lists: stripAll(lists) }
  const { v2 } = answer
  return {
    status,
    keys: Object.keys(answer),
    answer: stripAll(answer),
    lists: stripAll(lists),
    v2: v2 && { keys: Object.keys(v2), living: v2.living, fresh: v2.fresh },
  }
}

/** How many messages were answered in which way. */
const seen = new Map()

/** Tells two new engines the same; resolves with the first case in which they differ. */
async function firstDifference(store, bodies) {
  const [objects, raw] = await Promise.all(['objects', 'raw'].map((way) => answersOf(way, store, bodies)))
  for (const [index, bytes] of bodies.entries()) {
    const [expected, actual] = [objects[index], raw[index]].map(comparable)
    if (!isDeepStrictEqual(expected, actual)) return { index, bytes, expected, actual }
    const kind = expected.v2 ? 'native' : expected.status
    seen.set(kind, (seen.get(kind) ?? 0) + 1)
  }
}

test(`the same bytes mean the same as an object and as text, in ${CASES} cases`, async (t) => {
  const store = await silence(t)
  for (let first = 0; first < CASES; first += BATCH) {
    const roll = dice(SEED + first)
    const bodies = Array.from({ length: BATCH }, () => mutatedMessage(roll))
    let found = await firstDifference(store, bodies)
    // The clocks of two engines do not strike at once: what counts shows every time.
    for (let again = 0; found && again < AGAIN; again++) found = await firstDifference(store, bodies)
    if (!found) continue
    const { index, bytes, expected, actual } = found
    const hint = `SHAZBOT_TEST_SEED=${SEED + first}, case ${index}: ${bytes.toString().slice(0, 3_000)}`
    assert.deepEqual(actual, expected, hint)
  }
  t.diagnostic(`answered: ${JSON.stringify(Object.fromEntries(seen))}`)
  for (const kind of [200, 400, 'native']) assert.ok(seen.get(kind) > CASES / 20, `enough are ${kind}`)
})
