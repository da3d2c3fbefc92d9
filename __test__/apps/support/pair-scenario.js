'use strict'

const assert = require('node:assert/strict')
const { isOffline, isOnline } = require('../../support/entries')
const { eventually, withTimeout } = require('../../support/eventually')
const { getList, postDrain, postGossip } = require('../../support/http')
const { createMasterListStore } = require('../../support/master-list-store')

const KNOWN_WITHIN = 45_000
const ENDS_WITHIN = 30_000

/**
 * The scenario of a program with this package. It finds a second one through the master list,
 * answers with and without the secrets, is drained and brought back. Except on Windows, it also
 * ends by itself on SIGINT and SIGTERM, and the other one notices.
 *
 * @param {import('node:test').TestContext} t
 * @param {(t: object, options: {store: object}) => Promise<object>} start starts one program
 * @param {{unauthorized: number, exits: (end: {code: number | null, signal: string | null}, signal: string) => boolean}} expected
 */
async function runPairScenario(t, start, { unauthorized, exits }) {
  const store = await createMasterListStore(t)
  const first = await start(t, { store })
  await first.listening()
  store.write([{ baseUrl: first.baseUrl, monitor: false, lastUpdate: Date.now() }])
  const second = await start(t, { store })
  await second.listening()

  await seesOnline(first, second)
  await seesOnline(second, first)
  await answersByTheSecrets(first, second, unauthorized)
  await isDrainedAndBroughtBack(first, second)
  // Windows ends a program without a signal handler.
  if (process.platform === 'win32') return
  await leaves(second, 'SIGTERM', exits)
  await eventually(async () => isOffline(await first.list(), second.baseUrl), {
    what: 'the news that the second left',
  })
  await leaves(first, 'SIGINT', exits)
}

async function answersByTheSecrets(program, other, unauthorized) {
  const withSecret = await getList(program.baseUrl)
  assert.deepEqual(Object.keys(withSecret.json), ['online', 'offline'])
  for (const { json, status } of [
    await getList(program.baseUrl, ''),
    await getList(program.baseUrl, 'wrong'),
  ]) {
    assert.equal(status, 200)
    assert.deepEqual(Object.keys(json), ['online'])
    assert.ok(isOnline(json, other.baseUrl))
  }

  const gossip = await postGossip(program.baseUrl, { online: [] })
  assert.ok(
    [200, 201].includes(gossip.status),
    `a gossip message was answered with ${gossip.status}: ${gossip.text}`,
  )
  assert.deepEqual(Object.keys(gossip.json), ['message', 'online', 'offline'])

  const rejected = [await postGossip(program.baseUrl, {}, 'wrong'), await postDrain(program.baseUrl, 'wrong')]
  assert.deepEqual(
    rejected.map(({ status }) => status),
    [unauthorized, unauthorized],
  )
  assert.match(rejected[0].text, /Unauthorized: Invalid SHAZBOT_SECRET/)
  assert.match(rejected[1].text, /Unauthorized: Invalid SHAZBOT_CONTROL_SECRET/)
}

async function isDrainedAndBroughtBack(program, other) {
  const drained = await program.drain()
  assert.deepEqual(drained.json, { success: true })
  assert.ok(isOffline(await program.list(), program.baseUrl), 'a drained server lists itself as offline')
  await eventually(async () => isOffline(await other.list(), program.baseUrl), {
    what: 'the news of the drain',
  })
  await program.bringBack()
  assert.ok(
    isOnline(await program.list(), program.baseUrl),
    'a server that was brought back lists itself as online',
  )
  await seesOnline(other, program)
}

async function seesOnline(observer, subject) {
  const what = `${observer.baseUrl} seeing ${subject.baseUrl} online`
  await eventually(async () => isOnline(await observer.list(), subject.baseUrl), {
    within: KNOWN_WITHIN,
    what,
  })
}

async function leaves(program, signal, exits) {
  const end = await withTimeout(program.stop(signal), {
    within: ENDS_WITHIN,
    what: `an end by itself after ${signal}`,
  })
  assert.ok(exits(end, signal), `after ${signal} it ended with ${JSON.stringify(end)}\n${program.output}`)
  assert.match(program.output, /Clustershazbot engine started\n[\s\S]*Clustershazbot engine shut down\n/)
}

module.exports = { runPairScenario }
