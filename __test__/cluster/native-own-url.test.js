'use strict'

/** A server's own URL, which other processes may share or which may be unreachable. */

const { describe, test } = require('node:test')
const assert = require('node:assert/strict')
const { setTimeout: pause } = require('node:timers/promises')
const { aWhileAgo, entry, find } = require('../support/entries')
const { eventually, withTimeout, throughout } = require('../support/eventually')
const { createMasterListStore } = require('../support/master-list-store')
const { freePort } = require('../support/ports')
const { runScript } = require('../support/script')
const { startSiblings } = require('../support/siblings')
const { startSubject } = require('../support/subject')
const { changesOf, seenBy } = require('../support/watched-cluster')
const { createWiretap, processOf } = require('../support/wiretap')

const QUIET = { SHAZBOT_GOSSIP_INTERVAL: '60' }

/** How often servers check their lists, in ms. */
const EVERY = 10

/** Starts two servers that see each other and report changes, and the store that names them. */
async function startObservers(t, { port, baseUrl } = {}) {
  const store = await createMasterListStore(t)
  const observers = []
  for (const place of [{ port, baseUrl }, {}]) {
    const env = { ...QUIET, SHAZBOT_BASE_URL: place.baseUrl }
    const { app } = await startSubject(t, { store, env, port: place.port })
    await app.watch(EVERY)
    observers.push(app)
    store.write([...store.servers, entry(place.baseUrl ?? app.baseUrl, aWhileAgo())])
  }
  await eventually(() => observers.every((app) => seenBy(app).size === 2), { what: 'two see each other' })
  return { store, observers }
}

const allSee = (observers, baseUrl) => observers.every((app) => seenBy(app).has(baseUrl))
const noneSees = (observers, baseUrl) => observers.every((app) => !seenBy(app).has(baseUrl))
const timesGone = (observers, baseUrl) =>
  observers.flatMap((app) => changesOf(app, { baseUrl })).filter(({ kind }) => kind === 'gone').length

/** The native extension in a signed message or response; undefined without one. */
function extensionOf(v2) {
  if (typeof v2 !== 'string') return undefined
  return JSON.parse(Buffer.from(v2.slice(v2.lastIndexOf('.') + 1), 'base64url'))
}

describe('native: a server and its own URL', { concurrency: 4 }, () => {
  test('the leave of one process keeps a shared URL online', async (t) => {
    const port = await freePort()
    const tap = await createWiretap(t, port)
    // The proxy is in front of one of them.
    const { store, observers } = await startObservers(t, { port, baseUrl: tap.baseUrl })
    const siblings = await startSiblings(t, store, QUIET)
    await eventually(() => allSee(observers, siblings.baseUrl), { what: 'the siblings are seen' })
    const informedSiblings = () =>
      new Set(tap.exchanges.filter(({ answer }) => extensionOf(answer?.v2)?.siblings).map(processOf))
    await eventually(() => informedSiblings().size >= 2, { within: 60_000, what: 'both know of each other' })

    const before = timesGone(observers, siblings.baseUrl)
    siblings.processes[0].leave()
    await eventually(() => siblings.processes[0].hasEnded, { what: 'one has left' })
    await throughout(() => timesGone(observers, siblings.baseUrl) === before, {
      lasting: 6_000,
      every: EVERY,
      what: 'the URL is online',
    })
    const lists = await Promise.all(observers.map((app) => app.list()))
    for (const list of lists) assert.ok(find(list.online, siblings.baseUrl))

    const began = performance.now()
    siblings.processes[1].leave()
    await eventually(() => noneSees(observers, siblings.baseUrl), { what: 'the URL is offline' })
    t.diagnostic(`offline ${Math.round(performance.now() - began)} ms after the last one started to leave`)
  })

  test('a server that sends but no longer listens stays offline until it is reachable', async (t) => {
    const { store, observers } = await startObservers(t)
    const { app } = await startSubject(t, { store, env: QUIET })
    await eventually(() => allSee(observers, app.baseUrl), { what: 'it is seen' })
    // It counts as reached once another server has probed it.
    await pause(3_000)
    const began = performance.now()
    await app.stopListening()
    await eventually(() => app.output('stderr').includes('cannot be reached at its own URL'), {
      what: 'the log line about it',
    })
    await eventually(() => noneSees(observers, app.baseUrl), { what: 'it is offline' })
    const deaths = timesGone(observers, app.baseUrl)
    t.diagnostic(`offline after ${Math.round(performance.now() - began)} ms, ${deaths / 2} deaths`)
    await throughout(() => noneSees(observers, app.baseUrl), { lasting: 10_000, what: 'it is offline' })
    await app.listenAgain()
    const again = performance.now()
    await eventually(() => allSee(observers, app.baseUrl), { what: 'it is back' })
    t.diagnostic(`back after ${Math.round(performance.now() - again)} ms`)
  })

  test('a server that never listens is offline soon after each death', async (t) => {
    const { store, observers } = await startObservers(t)
    const baseUrl = `http://127.0.0.1:${await freePort()}/`
    for (const life of ['first', 'second']) {
      const program = `await shazbot.shazbotStart(); console.log('started')`
      const script = runScript(t, program, { store, env: { ...QUIET, SHAZBOT_BASE_URL: baseUrl } })
      await eventually(() => allSee(observers, baseUrl), { what: `it is seen in its ${life} life` })
      script.kill()
      await script.exited
      const died = performance.now()
      await eventually(() => noneSees(observers, baseUrl), { within: 20_000, what: 'it is offline' })
      t.diagnostic(`${life} life: offline ${Math.round(performance.now() - died)} ms after its death`)
    }
  })

  test('a running server that listens only after 25 s is never offline', async (t) => {
    const { store, observers } = await startObservers(t)
    const port = await freePort()
    const baseUrl = `http://127.0.0.1:${port}/`
    const program = `
      await shazbot.shazbotStart()
      // Its event loop is blocked most of the time, as by a framework that compiles.
      const until = Date.now() + 25_000
      while (Date.now() < until) {
        Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 6_000)
        await new Promise((resolve) => setTimeout(resolve, 100))
      }
      require('node:http').createServer(async (request, response) => {
        let text = ''
        for await (const chunk of request) text += chunk
        const { authorization = '' } = request.headers
        const answer = request.method === 'POST'
          ? await shazbot.shazbotGossipRequest(authorization, JSON.parse(text))
          : await shazbot.shazbotListRequest(authorization)
        response.setHeader('Content-Type', 'application/json').end(JSON.stringify(answer))
      }).listen(${port}, '127.0.0.1', () => console.log('listens'))`
    const script = runScript(t, program, { store, env: { ...QUIET, SHAZBOT_BASE_URL: baseUrl } })
    await eventually(() => allSee(observers, baseUrl), { what: 'it is seen' })
    const listens = eventually(() => script.said('listens'), { within: 90_000, what: 'it listens' })
    await withTimeout(listens, { within: 90_000, what: 'it listens' })
    await pause(3_000)
    assert.equal(timesGone(observers, baseUrl), 0)
    assert.ok(allSee(observers, baseUrl))
  })
})
