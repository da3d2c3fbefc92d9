'use strict'

const { describe, test } = require('node:test')
const assert = require('node:assert/strict')
const { setTimeout: pause } = require('node:timers/promises')
const { createMasterListStore } = require('../support/master-list-store')
const { startSubject } = require('../support/subject')
const { createClock, noClocks } = require('../support/wrong-clock')
const { aWhileAgo, entry, isOffline, urlsOf } = require('../support/entries')
const { eventually } = require('../support/eventually')

const DAY = 86_400
/** Time in milliseconds in which views become complete once all clocks are right. */
const SOON = 20_000

/**
 * Starts two servers with right clocks; returns them with a function that starts a third with its
 * own clock.
 */
async function startPair(t) {
  const store = await createMasterListStore(t)
  const pair = []
  for (let index = 0; index < 2; index++) {
    const { app } = await startSubject(t, { store })
    pair.push(app)
    store.servers = pair.map(({ baseUrl }) => entry(baseUrl, aWhileAgo()))
  }
  const third = async (clock) => (await startSubject(t, { store, env: clock.env })).app
  return { pair, third }
}

async function isComplete(servers) {
  const all = servers.map(({ baseUrl }) => baseUrl).sort()
  for (const server of servers) assert.deepEqual(urlsOf((await server.list()).online).sort(), all)
  return true
}

const completeSoon = (servers, what) => eventually(() => isComplete(servers), { what, within: SOON })

/** Others accept that it drains, and that it comes back. */
async function isBelieved(server, others) {
  await server.drain()
  const isKnown = async () => {
    for (const other of others) assert.ok(isOffline(await other.list(), server.baseUrl))
    return true
  }
  await eventually(isKnown, { what: 'the drain is known to all', within: SOON })
  await server.bringBack()
  await completeSoon([server, ...others], 'the end of the drain is known to all')
}

describe('processes with wrong clocks', { concurrency: 2, skip: noClocks }, () => {
  for (const [what, seconds] of [
    ['two days ahead', 2 * DAY],
    ['in 1970', -Date.now() / 1_000],
  ]) {
    test(`a server that starts ${what} is a full member once its clock is right`, async (t) => {
      const { pair, third } = await startPair(t)
      const clock = createClock(t, seconds)
      const late = await third(clock)
      await pause(1_000)
      await assert.rejects(isComplete([late, ...pair]), assert.AssertionError, 'its clock is wrong')
      clock.set(0)
      const began = performance.now()
      await completeSoon([late, ...pair], 'all views')
      t.diagnostic(`complete ${Math.round(performance.now() - began)} ms after its clock was right`)
      await isBelieved(late, pair)
    })
  }

  test('a server whose clock jumps ahead for 3 s returns after a pause, and its claims are accepted', async (t) => {
    const { pair, third } = await startPair(t)
    const clock = createClock(t)
    const server = await third(clock)
    await completeSoon([server, ...pair], 'all views at first')
    const jump = async () => {
      clock.set(2 * DAY)
      await pause(3_000)
      clock.set(0)
    }
    await jump()
    server.signal('SIGSTOP')
    const isDead = async () => isOffline(await pair[0].list(), server.baseUrl)
    await eventually(isDead, { what: 'it is declared dead', within: 60_000 })
    server.signal('SIGCONT')
    const began = performance.now()
    await completeSoon([server, ...pair], 'all views after the pause')
    t.diagnostic(`back ${Math.round(performance.now() - began)} ms after the pause`)
    await jump()
    await isBelieved(server, pair)
  })
})
