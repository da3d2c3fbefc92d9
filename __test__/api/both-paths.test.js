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
 * place. `objects.test.js` compares the order.
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

/**
 * Sends two new engines the same messages; resolves with both answers to each message that both
 * have answered in time.
 */
async function pairsOf(store, bodies) {
  const [objects, raw] = await Promise.all(['objects', 'raw'].map((way) => answersOf(way, store, bodies)))
  const answered = Math.min(objects.length, raw.length)
  return Array.from({ length: answered }, (_, index) => {
    const [expected, actual] = [objects[index], raw[index]].map(comparable)
    return { index, expected, actual, differs: !isDeepStrictEqual(actual, expected) }
  })
}

test(`the same bytes mean the same as an object and as text, in ${CASES} cases`, async (t) => {
  const store = await hangingMasterList(t)
  const seen = new Map()
  for (let first = 0, step; first < CASES; first += step) {
    const roll = seededRandom(SEED + first)
    const bodies = Array.from({ length: BATCH }, () => mutatedMessage(roll))
    const hint = (index) =>
      `SHAZBOT_TEST_SEED=${SEED + first}, case ${index}: ${bodies[index].bytes.toString().slice(0, 3_000)}`
    const pairs = await pairsOf(store, bodies)
    assert.ok(pairs.length > 0, `no message was answered within ${QUIET_TIME} ms`)
    for (const { index, expected, actual } of pairs) {
      assert.equal(actual.status, expected.status, hint(index))
      const kind = kindOf(expected)
      seen.set(kind, (seen.get(kind) ?? 0) + 1)
    }
    let different = pairs.filter(({ differs }) => differs)
    // Two engines drop an expired tombstone at different times. A real difference shows each time,
    // at the same message.
    for (let again = 0; different.length > 0 && again < AGAIN; again++) {
      const repeated = await pairsOf(store, bodies.slice(0, different.at(-1).index + 1))
      different = different.filter(({ index }) => repeated[index]?.differs ?? true)
    }
    for (const { index, expected, actual } of different) assert.deepEqual(actual, expected, hint(index))
    step = pairs.length
  }
  t.diagnostic(`answered: ${JSON.stringify(Object.fromEntries(seen))}`)
  for (const kind of [200, 400, 401, 'native', 'proof'])
    assert.ok(seen.get(kind) > CASES / 30, `enough are ${kind}`)
})
