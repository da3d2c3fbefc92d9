'use strict'

/**
 * Passes the same bytes through a body parser and the function, and through the adapters' path.
 * Both must give the same status and lists. Half of the messages are signed.
 * `SHAZBOT_TEST_CASES=300000` runs a campaign, `SHAZBOT_TEST_SEED` repeats a run.
 */

const assert = require('node:assert/strict')
const { once } = require('node:events')
const path = require('node:path')
const { test } = require('node:test')
const { isDeepStrictEqual } = require('node:util')
const { Worker } = require('node:worker_threads')

const { seededRandom } = require('../support/seeded-random')
const { environment } = require('../support/environment')
const { mutatedMessage } = require('../support/mutated-messages')
const { hangingMasterList } = require('../support/hanging-master-list')

const CASES = Number(process.env.SHAZBOT_TEST_CASES ?? 10_000)
const SEED = Number(process.env.SHAZBOT_TEST_SEED ?? Date.now() % 1_000_000_000)
/** Messages for one pair of engines. */
const BATCH = 500
/**
 * Milliseconds after which the download of the master list times out. Then the engines begin to ask
 * the servers that they were told of. A slow machine sends fewer messages until then.
 */
const QUIET_TIME = 10_000
const MINUTE = 60_000
/** Repetitions in which a difference must show each time at the same message. */
const AGAIN = 5
const BASE_URL = 'http://127.0.0.1:9/me/'

/** Returns a new engine's responses to these bodies, in sequence, while it is quiet. */
async function answersOf(way, store, bodies) {
  const env = environment(store, { SHAZBOT_BASE_URL: BASE_URL, SHAZBOT_GOSSIP_INTERVAL: '60' })
  const worker = new Worker(path.join(__dirname, '..', 'support', 'message-worker.js'), {
    workerData: { env, path: way },
  })
  try {
    worker.postMessage({ bodies, within: QUIET_TIME })
    // Rejects if the worker throws.
    const [answers] = await once(worker, 'message')
    return answers
  } finally {
    await worker.terminate()
  }
}

/**
 * Returns the part on which both must agree, without the stamps that an engine sets itself. The
 * order of servers depends on when an engine drops an expired tombstone: the last server takes its
 * place.
 */
function comparable({ status, answer, lists }) {
  const stamp = (at) => (Math.abs(at - Date.now()) < MINUTE ? 'now' : at)
  const byUrl = ([one], [other]) => (one < other ? -1 : 1)
  const strip = (list) =>
    list
      .map(({ baseUrl, monitor, lastUpdate }) => [
        baseUrl,
        monitor,
        baseUrl === BASE_URL ? 'own' : stamp(lastUpdate),
      ])
      .sort(byUrl)
  const stripAll = ({ online, offline }) => [strip(online), strip(offline)]
  if (status !== 200) return { status, lists: stripAll(lists) }
  const { v2 } = answer
  return {
    status,
    keys: Object.keys(answer).sort(),
    answer: stripAll(answer),
    lists: stripAll(lists),
    // The lag of the event loop depends on other load.
    v2: v2 && { keys: Object.keys(v2).filter((key) => key !== 'lag'), living: v2.living, fresh: v2.fresh },
  }
}

function kindOf({ status, v2 }) {
  if (v2 === undefined) return status
  return v2.keys.includes('me') ? 'native' : 'proof'
}

/** The number of messages by response. */
const seen = new Map()

/**
 * Sends two new engines the same messages; resolves with the number of messages that were compared,
 * and with the differences by the index of the message.
 */
async function compare(store, bodies) {
  const [objects, raw] = await Promise.all(['objects', 'raw'].map((way) => answersOf(way, store, bodies)))
  const compared = Math.min(objects.length, raw.length)
  const differences = new Map()
  for (let index = 0; index < compared; index++) {
    const [expected, actual] = [objects[index], raw[index]].map(comparable)
    const kind = kindOf(expected)
    if (isDeepStrictEqual(expected, actual)) seen.set(kind, (seen.get(kind) ?? 0) + 1)
    else differences.set(index, { expected, actual })
  }
  return { compared, differences }
}

test(`the same bytes mean the same as an object and as text, in ${CASES} cases`, async (t) => {
  const store = await hangingMasterList(t)
  for (let first = 0, step; first < CASES; first += step) {
    const roll = seededRandom(SEED + first)
    const bodies = Array.from({ length: BATCH }, () => mutatedMessage(roll))
    let { compared, differences } = await compare(store, bodies)
    // Two engines drop an expired tombstone at different times. A real difference shows each time,
    // at the same message.
    for (let again = 0; differences.size > 0 && again < AGAIN; again++) {
      const next = await compare(store, bodies)
      compared = Math.min(compared, next.compared)
      differences = new Map([...differences].filter(([index]) => next.differences.has(index)))
    }
    step = compared
    for (const [index, { expected, actual }] of differences) {
      const text = bodies[index].bytes.toString().slice(0, 3_000)
      assert.deepEqual(actual, expected, `SHAZBOT_TEST_SEED=${SEED + first}, case ${index}: ${text}`)
    }
  }
  t.diagnostic(`answered: ${JSON.stringify(Object.fromEntries(seen))}`)
  for (const kind of [200, 400, 401, 'native', 'proof'])
    assert.ok(seen.get(kind) > CASES / 30, `enough are ${kind}`)
})
