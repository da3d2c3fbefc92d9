'use strict'

/**
 * Processes that share one URL, in a cluster that signs its messages. No message tells them apart
 * before it has arrived, so peers address them as a group.
 */

const { describe, test } = require('node:test')
const assert = require('node:assert/strict')
const { aWhileAgo, entry } = require('../support/entries')
const { CONTROL_SECRET } = require('../support/environment')
const { eventually } = require('../support/eventually')
const { postJson } = require('../support/http')
const { createMasterListStore } = require('../support/master-list-store')
const { challenge } = require('../support/native')
const { freePort } = require('../support/ports')
const { startSiblings } = require('../support/siblings')
const signing = require('../support/signing')
const { startSubject } = require('../support/subject')
const { changesOf, seenBy } = require('../support/watched-cluster')
const { createWiretap, isAccepted, isForGroup, processOf, senderOf } = require('../support/wiretap')

const ENV = { SHAZBOT_GOSSIP_INTERVAL: '1', SHAZBOT_PROBE_INTERVAL: '0.2' }
/** How often servers check their lists, in ms. */
const EVERY = 10
/** Accepted messages of each process, and to each group, until which nobody may have flapped. */
const MANY = 20
const WITHIN = 60_000
const OPERATOR = { baseUrl: 'http://127.0.0.1:9/operator/', process: 7n }

/** Starts a server behind a recording proxy. */
async function startTapped(t, store) {
  const port = await freePort()
  const tap = await createWiretap(t, port)
  const env = { ...ENV, SHAZBOT_BASE_URL: tap.baseUrl }
  const { app } = await startSubject(t, { store, env, port })
  return { tap, app, baseUrl: tap.baseUrl }
}

/** Each starts two processes behind one URL: `{ baseUrl, processes }`, and the proxy if there is one. */
const SIBLINGS = {
  "Node's cluster": (t, store) => startSiblings(t, store, ENV),
  'a load balancer': async (t, store) => {
    const ports = [await freePort(), await freePort()]
    const tap = await createWiretap(t, ...ports)
    const env = { ...ENV, SHAZBOT_BASE_URL: tap.baseUrl }
    const started = ports.map((port) => startSubject(t, { store, env, port }))
    const processes = (await Promise.all(started)).map(({ app }) => app)
    return { tap, ports, baseUrl: tap.baseUrl, processes }
  },
}

/** The number of accepted messages of each process at a URL. */
function messagesFrom(baseUrl, taps) {
  const counts = new Map()
  for (const exchange of taps.flatMap((tap) => tap.signed)) {
    if (!isAccepted(exchange) || senderOf(exchange) !== baseUrl) continue
    const process = processOf(exchange)
    counts.set(process, (counts.get(process) ?? 0) + 1)
  }
  return [...counts.values()]
}

/**
 * Asserts that a process, which accepts messages to its group, accepts a signed control message
 * only for itself.
 */
async function assertControlledAlone(port) {
  const url = `http://127.0.0.1:${port}/`
  const { baseUrl, sequence, ...process } = await challenge(url)
  const group = { clock: BigInt(Date.now()) }
  for (const [receiver, online, expected] of [
    [group, false, 401],
    [process, true, 200],
  ]) {
    const payload = signing.encode({ message: 'control', online })
    const to = { baseUrl, ...receiver }
    const { header } = signing.signRequest(OPERATOR, to, sequence, payload, CONTROL_SECRET, 'control')
    const { status } = await postJson(`${url}clustershazbot/control`, header, { v2: payload })
    assert.equal(status, expected)
  }
}

/** The times that a server went offline in one of these views. */
const timesGone = (views, { baseUrl }) =>
  views.flatMap((view) => changesOf(view, { baseUrl })).filter(({ kind }) => kind === 'gone')

describe('processes behind one URL', { concurrency: true }, () => {
  for (const [what, start] of Object.entries(SIBLINGS)) {
    test(`behind ${what}, they take part in a signed cluster and never flap`, async (t) => {
      const store = await createMasterListStore(t)
      const observers = [await startTapped(t, store)]
      store.write([entry(observers[0].baseUrl, aWhileAgo())])
      observers.push(await startTapped(t, store))
      const taps = observers.map(({ tap }) => tap)
      const siblings = await start(t, store)
      const lasting = [siblings, ...observers]
      const views = [...observers.map(({ app }) => app), ...siblings.processes]
      await Promise.all(views.map((view) => view.watch(EVERY)))
      const allSee = ({ baseUrl }) => views.every((view) => seenBy(view).has(baseUrl))
      await eventually(() => lasting.every(allSee), { what: 'all see each other' })

      const newcomer = await startTapped(t, store)
      await eventually(() => allSee(newcomer), { what: 'all see a new server' })
      await newcomer.app.leave()
      await eventually(() => views.every((view) => !seenBy(view).has(newcomer.baseUrl)), {
        what: 'all see it leave',
      })
      const haveSpoken = () => {
        const counts = messagesFrom(siblings.baseUrl, taps)
        return counts.length === 2 && counts.every((count) => count >= MANY)
      }
      await eventually(haveSpoken, { within: WITHIN, what: 'both processes have sent many messages' })
      const { tap } = siblings
      if (tap) {
        const isGroupMessage = (one) => isForGroup(one) && isAccepted(one)
        const hasReceived = (port) =>
          tap.signed.filter((one) => one.port === port && isGroupMessage(one)).length >= MANY
        await eventually(() => siblings.ports.every(hasReceived), {
          within: WITHIN,
          what: 'both processes have accepted many messages to the group',
        })
        for (const port of siblings.ports) await assertControlledAlone(port)
      }

      for (const server of lasting) assert.deepEqual(timesGone(views, server), [], server.baseUrl)
      for (const { relapses } of tap ? [tap, ...taps] : taps) assert.deepEqual(relapses, [], 'all sign')
    })
  }
})
