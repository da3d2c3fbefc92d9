'use strict'

/**
 * Servers that no other server has met: old entries of a master list, and fabricated servers.
 */

const { describe, test } = require('node:test')
const assert = require('node:assert/strict')
const { entry, find, isOffline, isOnline, urlsOf } = require('../support/entries')
const { eventually } = require('../support/eventually')
const { createFakePeer } = require('../support/fake-peer')
const { INCARNATION, claim, createNativePeer, extension, postMessage } = require('../support/native')
const { deadBaseUrl } = require('../support/ports')
const { answers } = require('../support/scripted-server')
const { hangingMasterList } = require('../support/hanging-master-list')
const { startSubject } = require('../support/subject')

const ANNOUNCE_EVERY_SECOND = { SHAZBOT_MASTER_ANNOUNCE_MINIMUM: '1', SHAZBOT_MASTER_ANNOUNCE_INTERVAL: '0' }
const HOUR = 3_600
const anHourAgo = () => Date.now() - HOUR * 1_000

/** Base URLs with different paths at one origin. */
const urlsBelow = (origin, count) => Array.from({ length: count }, (_, i) => `${origin}server-${i}/`)

/** Old entries of servers that accept requests and never answer. */
async function hangingEntries(t, count) {
  const { url } = await hangingMasterList(t)
  return urlsBelow(url, count).map((baseUrl) => entry(baseUrl, anHourAgo()))
}

const shownOf = ({ online }, entries) => entries.filter(({ baseUrl }) => find(online, baseUrl))

describe('old entries of a master list', { concurrency: 2 }, () => {
  test('60 that hang do not delay a start, and are removed one by one', async (t) => {
    const peers = [await createFakePeer(t), await createNativePeer(t)]
    const dead = await hangingEntries(t, 60)
    const servers = [...dead, ...peers.map((peer) => peer.entry(anHourAgo()))]
    const { app, store } = await startSubject(t, { servers, env: ANNOUNCE_EVERY_SECOND })
    const took = app.answered - app.began
    t.diagnostic(`the start took ${took} ms`)
    assert.ok(took < 4_000, `the start took ${took} ms`)

    /**
     * Returns the lists, which contain the living ones and a tombstone of each entry that is no
     * longer uploaded.
     */
    async function look() {
      const removed = dead.filter(({ baseUrl }) => !find(store.servers, baseUrl))
      const list = await app.list()
      for (const { baseUrl } of removed) assertFinally(isOffline(list, baseUrl), `${baseUrl} has a tombstone`)
      for (const { baseUrl } of peers) assertFinally(isOnline(list, baseUrl), `${baseUrl} is online`)
      return list
    }
    await eventually(async () => shownOf(await look(), dead).length === 0, {
      within: 15_000 - took,
      what: 'no dead server is shown',
    })
    t.diagnostic(`none of the dead is shown after ${Date.now() - app.began} ms`)
    await eventually(
      async () => {
        await look()
        return !dead.some(({ baseUrl }) => find(store.servers, baseUrl))
      },
      {
        what: 'they are no longer on the master list',
      },
    )
  })

  test('an isolated server hides them, but uploads all and creates no tombstones', async (t) => {
    const peer = await createFakePeer(t)
    const healthy = { onGossip: peer.onGossip, onList: peer.onList }
    peer.onGossip = peer.onList = answers.silence
    const all = [...(await hangingEntries(t, 60)), peer.entry(anHourAgo())]
    const { app, store } = await startSubject(t, { servers: all, env: ANNOUNCE_EVERY_SECOND })
    await eventually(async () => shownOf(await app.list(), all).length === 0, {
      within: 15_000 - (app.answered - app.began),
      what: 'only the server itself is shown',
    })

    // The server must upload the list once more, and ask the server that hides the entries a second
    // time.
    const asked = peer.listRequests.length
    store.write(all)
    await eventually(() => find(store.servers, app.baseUrl), { what: 'another upload' })
    await eventually(() => peer.listRequests.length > asked, { what: 'a second list request' })
    for (const { baseUrl } of all) assert.ok(find(store.servers, baseUrl), `${baseUrl} is uploaded`)
    assert.deepEqual((await app.list()).offline, [])

    Object.assign(peer, healthy)
    await eventually(async () => isOnline(await app.list(), peer.baseUrl), {
      within: 90_000,
      what: 'the living server is online once it answers',
    })
  })
})

describe('fabricated native servers', { concurrency: 2 }, () => {
  for (const [age, incarnation] of [
    ['an hour', INCARNATION - HOUR],
    ['no', INCARNATION],
  ]) {
    test(`300 of ${age} age on a closed port are removed within a minute`, async (t) => {
      const peers = [await createNativePeer(t), await createNativePeer(t)]
      const { app, store } = await startSubject(t, { servers: peers.map((peer) => peer.entry(anHourAgo())) })
      store.write([...store.servers, entry(app.baseUrl)])
      const { app: other } = await startSubject(t, { store })
      const apps = [app, other]
      const living = [...peers, ...apps]
      const areAlone = async () => {
        const lists = await Promise.all(apps.map((app) => app.list()))
        for (const list of lists)
          for (const { baseUrl } of peers) assertFinally(isOnline(list, baseUrl), baseUrl)
        return lists.every(({ online }) => urlsOf(online).join() === urlsOf(living).join())
      }
      await eventually(areAlone, { what: 'all see each other' })

      const madeUp = urlsBelow(await deadBaseUrl(), 300)
      const claims = madeUp.map((baseUrl) => claim(baseUrl, 'alive', incarnation))
      const began = performance.now()
      await postMessage(app.baseUrl, { v2: extension(peers[0].baseUrl, { claims }) })
      assert.ok((await app.list()).online.length > living.length, 'they are accepted at first')
      await eventually(areAlone, { within: 60_000, every: 250, what: 'only living servers are shown' })
      t.diagnostic(`gone after ${Math.round(performance.now() - began)} ms`)
    })
  }
})

/** Fails at once, even inside `eventually`. */
function assertFinally(holds, message) {
  if (!holds) throw Object.assign(new assert.AssertionError({ message }), { isFinal: true })
}
