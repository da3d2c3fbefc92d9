'use strict'

/** What the listeners of real processes hear. */

const { describe, test } = require('node:test')
const assert = require('node:assert/strict')
const { startWorker } = require('../support/engine-worker')
const { aWhileAgo, entry } = require('../support/entries')
const { eventually, throughout } = require('../support/eventually')
const { createMasterListStore } = require('../support/master-list-store')
const { createNetworks, whyNoNetworks } = require('../support/networks')
const { freePort } = require('../support/ports')
const { replay } = require('../support/events')
const { startSubject } = require('../support/subject')

const QUIET = { SHAZBOT_GOSSIP_INTERVAL: '60' }

/** Starts native servers that know and hear each other. */
async function startCluster(t, size) {
  const { app: first, store } = await startSubject(t, { env: QUIET })
  store.write([entry(first.baseUrl, aWhileAgo())])
  const others = await Promise.all(
    Array.from({ length: size - 1 }, async () => (await startSubject(t, { store, env: QUIET })).app),
  )
  const apps = [first, ...others]
  await Promise.all(apps.map((app) => app.hear()))
  await eventually(async () => (await statuses(apps)).every(({ online }) => online === size), {
    what: `${size} servers are online`,
  })
  // In this time, all answer all others, so no server is in its grace any more.
  await throughout(async () => (await statuses(apps)).every(({ online }) => online === size), {
    lasting: 4_000,
    every: 250,
  })
  return { apps, store }
}

const statuses = (apps) => Promise.all(apps.map((app) => app.status()))

/** What a server has heard of another, as types. */
const typesOf = (app, baseUrl) => app.newsOf(baseUrl).map(({ type }) => type)

/** Waits until each of these servers has heard this last of another one. */
const allHear = (apps, type, baseUrl, within = 20_000) =>
  eventually(() => apps.every((app) => typesOf(app, baseUrl).at(-1) === type), {
    within,
    what: `all hear ${type}: ${JSON.stringify(apps.map((app) => typesOf(app, baseUrl)))}`,
  })

/** Each piece of news continues from what was told before, and the numbers have no gaps. */
function assertContinues(app) {
  const states = new Map()
  let last
  for (const { view, state, previous, server } of app.heard.flatMap(({ news }) => news)) {
    assert.equal(view, (last ?? view - 1) + 1)
    last = view
    if (states.has(server.baseUrl)) assert.equal(previous, states.get(server.baseUrl))
    states.set(server.baseUrl, state)
  }
}

describe('events of a cluster', { concurrency: 3, timeout: 300_000 }, () => {
  test('a process that is killed is suspected, or found closed, and down', async (t) => {
    const { apps } = await startCluster(t, 4)
    const [victim, ...others] = apps
    await victim.kill()
    await allHear(others, 'down', victim.baseUrl)
    for (const app of others) {
      const news = app.newsOf(victim.baseUrl)
      const types = news.map(({ type }) => type).join()
      assert.ok(['down', 'suspect,down'].includes(types), types)
      const { cause, state, previous, self } = news.at(-1)
      assert.ok(['refused', 'silent', 'rumour'].includes(cause), cause)
      assert.deepEqual([state, previous, self], ['dead', types === 'down' ? 'online' : 'suspect', false])
      assertContinues(app)
      const { online, dead, suspects } = await app.status()
      assert.deepEqual([online, dead, suspects], [3, 1, 0])
    }
    const finders = others.filter((app) => app.newsOf(victim.baseUrl).at(-1).cause !== 'rumour')
    assert.ok(finders.length > 0, 'somebody has found it dead')
  })

  test('a polite leave is one leave everywhere, by the word of the server', async (t) => {
    const { apps } = await startCluster(t, 4)
    const [leaver, ...others] = apps
    const exit = await leaver.leave()
    assert.equal(exit.code, 0)
    await allHear(others, 'leave', leaver.baseUrl)
    for (const app of others) {
      const news = app.newsOf(leaver.baseUrl)
      assert.deepEqual(
        news.map(({ type }) => type),
        ['leave'],
      )
      assert.ok(['said', 'rumour', 'answered'].includes(news[0].cause), news[0].cause)
      assert.deepEqual([news[0].previous, news[0].state], ['online', 'left'])
      assertContinues(app)
    }
    const own = leaver.newsOf(leaver.baseUrl)
    assert.deepEqual(
      own.map(({ type, cause, self }) => [type, cause, self]),
      [['leave', 'said', true]],
    )
  })

  test('a drain and a return are told by all, and by the server itself', async (t) => {
    const { apps } = await startCluster(t, 3)
    const [drained, ...others] = apps
    await drained.drain()
    await allHear(apps, 'leave', drained.baseUrl)
    assert.equal((await drained.status()).phase, 'drained')
    await drained.bringBack()
    await allHear(apps, 'up', drained.baseUrl)
    assert.equal((await drained.status()).phase, 'running')
    const own = drained.newsOf(drained.baseUrl)
    assert.deepEqual(
      own.map(({ type, cause }) => [type, cause]),
      [
        ['leave', 'control'],
        ['up', 'control'],
      ],
    )
    for (const app of others) {
      const news = app.newsOf(drained.baseUrl)
      assert.deepEqual(
        news.map(({ type, previous }) => [type, previous]),
        [
          ['leave', 'online'],
          ['up', 'left'],
        ],
      )
      assert.ok(news.every(({ cause }) => ['said', 'rumour', 'answered'].includes(cause)))
    }
  })

  test('a server that is killed and starts again comes back', async (t) => {
    const { apps, store } = await startCluster(t, 3)
    const [first, victim, last] = apps
    const others = [first, last]
    await victim.kill()
    await allHear(others, 'down', victim.baseUrl)
    const { app: again } = await startSubject(t, { store, env: QUIET, port: victim.port })
    await allHear(others, 'up', victim.baseUrl)
    for (const app of others) {
      const { previous, state } = app.newsOf(victim.baseUrl).at(-1)
      assert.deepEqual([previous, state], ['dead', 'online'])
      assertContinues(app)
    }
    assert.equal((await again.status()).view, 3, 'its own news: itself and two others')
  })

  test('a server with a blocked event loop is at most a suspect, and then trusted again', async (t) => {
    const { apps } = await startCluster(t, 3)
    const [blocked, ...others] = apps
    await blocked.block(8_000)
    await eventually(async () => (await blocked.status()).lag < 1_000, { what: 'its lag has ended' })
    await eventually(async () =>
      (await statuses(apps)).every(({ online, suspects }) => online === 3 && suspects === 0),
    )
    for (const app of others) {
      const types = typesOf(app, blocked.baseUrl)
      const pairs = types.filter((_, index) => index % 2 === 0)
      assert.ok(pairs.every((type) => type === 'suspect') && types.length === pairs.length * 2, types.join())
      assert.ok(
        types.every((type) => type === 'suspect' || type === 'trust'),
        types.join(),
      )
    }
    assert.deepEqual(replay(blocked.heard).get(blocked.baseUrl), undefined, 'it stays online')
  })

  test('each worker thread hears its own engine', async (t) => {
    const store = await createMasterListStore(t)
    const urls = ['one', 'two'].map((name) => `http://127.0.0.1:9/worker-${name}/`)
    const workers = urls.map((url) => startWorker(t, { store, env: { ...QUIET, SHAZBOT_BASE_URL: url } }))
    await Promise.all(workers.map((worker) => worker.call('hear')))
    await Promise.all(workers.map((worker) => worker.call('shazbotStart')))
    await workers[0].call('shazbotShutDown')
    const own = async (worker, url) =>
      (await worker.call('heard')).flatMap(({ news }) => news).filter(({ server }) => server.baseUrl === url)
    await eventually(async () => (await own(workers[0], urls[0])).length === 2)
    assert.deepEqual(
      (await own(workers[0], urls[0])).map(({ type }) => type),
      ['up', 'leave'],
    )
    assert.deepEqual(
      (await own(workers[1], urls[1])).map(({ type }) => type),
      ['up'],
    )
    assert.equal((await workers[1].call('shazbotStatus')).phase, 'running')
    assert.equal((await workers[0].call('shazbotStatus')).phase, 'stopped')
  })

  const reason = whyNoNetworks()
  test('both sides of a partition hear that the others are down, and then up', {
    skip: reason,
  }, async (t) => {
    const { left, right, cut, heal } = await createNetworks(t)
    const addresses = await Promise.all(
      [left, left, left, right, right, right].map(async (side) => ({ ...side, port: await freePort() })),
    )
    // No store is reachable from inside the networks, so the variable contains the list itself.
    const online = addresses.map(({ host, port }) => entry(`http://${host}:${port}/`, aWhileAgo()))
    const store = { url: `data:application/json,${encodeURIComponent(JSON.stringify({ online }))}` }
    const env = { ...QUIET, SHAZBOT_MASTER_LIST_UPDATE: 'http://127.0.0.1:9/none' }
    const servers = []
    for (const address of addresses) {
      const { app } = await startSubject(t, { store, env, ...address })
      servers.push(app)
      await app.hear()
    }
    const all = (online, within) =>
      eventually(async () => (await statuses(servers)).every((status) => status.online === online), {
        within,
        what: `${online} servers are online`,
      })
    await all(6, 30_000)
    await throughout(async () => (await statuses(servers)).every(({ online }) => online === 6), {
      lasting: 4_000,
    })
    for (const app of servers) app.heard.length = 0
    cut()
    await all(3, 90_000)
    heal()
    await all(6, 120_000)
    const [sideA, sideB] = [servers.slice(0, 3), servers.slice(3)]
    for (const [apps, others] of [
      [sideA, sideB],
      [sideB, sideA],
    ]) {
      for (const app of apps) {
        for (const { baseUrl } of others) {
          const types = typesOf(app, baseUrl).filter((type) => type === 'down' || type === 'up')
          assert.deepEqual(types, ['down', 'up'])
        }
        assertContinues(app)
      }
    }
  })
})
