'use strict'

/**
 * Clusters of native servers with one round per minute, so that only the native extension spreads
 * news within seconds.
 */

const { describe, test } = require('node:test')
const assert = require('node:assert/strict')
const { createMasterListStore } = require('../support/master-list-store')
const { INCARNATION, claim, createNativePeer, extension, postMessage } = require('../support/native')
const { answers } = require('../support/scripted-server')
const { startSubject } = require('../support/subject')
const { eachSees, showsGone, showsOnline } = require('../support/mixed-cluster')
const { aWhileAgo, entry, urlsOf } = require('../support/entries')
const { eventually, throughout } = require('../support/eventually')

const QUIET = { SHAZBOT_GOSSIP_INTERVAL: '60' }

/** Starts servers that found each other through the first one, and know each other natively. */
async function startCluster(t, size) {
  const { app: first, store } = await startSubject(t, { env: QUIET })
  store.write([entry(first.baseUrl, aWhileAgo())])
  const others = await Promise.all(
    Array.from({ length: size - 1 }, async () => (await startSubject(t, { store, env: QUIET })).app),
  )
  const apps = [first, ...others]
  const all = urlsOf(apps).join()
  await eachSees(apps, ({ online }) => urlsOf(online).join() === all, {
    within: 10_000,
    what: `${size} servers are online`,
  })
  return { apps, store }
}

const allStayOnline = (apps) =>
  throughout(
    async () =>
      (await Promise.all(apps.map((app) => app.list()))).every(({ online }) => online.length === apps.length),
    { lasting: 4_000, every: 250, what: 'all are online' },
  )

describe('native clusters', { concurrency: 3 }, () => {
  test('five servers find each other long before their first round', async (t) => {
    const { apps } = await startCluster(t, 5)
    await allStayOnline(apps)
    for (const app of apps) assert.equal(app.output('stderr'), '')
  })

  test('a server that is killed is offline everywhere within seconds', async (t) => {
    const { apps } = await startCluster(t, 4)
    const [victim, ...others] = apps
    // In this time, all have answered all others, so no server is in its grace any more.
    await allStayOnline(apps)
    await victim.kill()
    await eachSees(others, showsGone(victim.baseUrl), {
      within: 12_000,
      what: 'the killed server is offline',
    })
    await throughout(
      async () =>
        (await Promise.all(others.map((app) => app.list()))).every(
          (list) => showsGone(victim.baseUrl)(list) && list.online.length === 3,
        ),
      { lasting: 4_000, every: 250, what: 'it alone is offline' },
    )
  })

  test('a leave, a drain and a return are known to all at once', async (t) => {
    const { apps } = await startCluster(t, 4)
    const [leaver, drained, ...others] = apps
    await drained.drain()
    await eachSees([leaver, ...others], showsGone(drained.baseUrl), { within: 4_000, what: 'the drain' })
    await drained.bringBack()
    await eachSees([leaver, ...others], showsOnline(drained.baseUrl), { within: 4_000, what: 'the return' })
    await leaver.leave()
    await eachSees([drained, ...others], showsGone(leaver.baseUrl), { within: 4_000, what: 'the leave' })
  })

  test('a server that was killed and starts again at its URL is back at once', async (t) => {
    const { apps, store } = await startCluster(t, 3)
    const [, victim, ...rest] = apps
    const others = [apps[0], ...rest]
    await victim.kill()
    await eachSees(others, showsGone(victim.baseUrl), {
      within: 45_000,
      what: 'the killed server is offline',
    })
    const { app: again } = await startSubject(t, { store, env: QUIET, port: victim.port })
    assert.equal(again.baseUrl, victim.baseUrl)
    await eachSees(others, showsOnline(victim.baseUrl), { within: 5_000, what: 'it is back' })
  })

  test('a server that stops answering is declared dead, and online again once it answers', async (t) => {
    const peer = await createNativePeer(t)
    const store = await createMasterListStore(t, { servers: [peer.entry(aWhileAgo())] })
    const apps = await Promise.all(
      [1, 2, 3].map(async () => (await startSubject(t, { store, env: QUIET })).app),
    )
    await eachSees(apps, showsOnline(peer.baseUrl), { within: 5_000, what: 'it is online' })
    await eventually(() => peer.gossips.length >= 9, { what: 'it is probed by all' })
    const healthy = peer.onGossip
    peer.onGossip = peer.onList = answers.silence
    await eachSees(apps, showsGone(peer.baseUrl), { within: 25_000, what: 'the silent server is offline' })
    peer.onGossip = healthy
    peer.onList = undefined
    // A server does this when it hears of its own death.
    peer.says = { me: claim(peer.baseUrl, 'alive', INCARNATION + 1) }
    // The servers started at once and need not know each other yet, so each receives the message.
    const message = { v2: extension(peer.baseUrl, peer.says) }
    await Promise.all(apps.map((app) => postMessage(app.baseUrl, message)))
    await eachSees(apps, showsOnline(peer.baseUrl), { within: 10_000, what: 'it is online again' })
  })
})
