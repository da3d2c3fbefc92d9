'use strict'

/**
 * An address is not an identity: another service may take over the address of a dead server,
 * another cluster may share the master list, and a drained legacy peer still answers.
 */

const { describe, test } = require('node:test')
const assert = require('node:assert/strict')
const { spawnApp } = require('../support/app')
const { environment } = require('../support/environment')
const { aWhileAgo, entry, find, isOffline, isOnline, urlsOf } = require('../support/entries')
const { eventually, throughout } = require('../support/eventually')
const { createFakePeer } = require('../support/fake-peer')
const { createMasterListStore } = require('../support/master-list-store')
const { createNativePeer } = require('../support/native')
const { freePort } = require('../support/ports')
const { createScriptedServer } = require('../support/scripted-server')
const { startSubject, REFERENCE, SUBJECT } = require('../support/subject')

const ANNOUNCE_EVERY_SECOND = { SHAZBOT_MASTER_ANNOUNCE_MINIMUM: '1', SHAZBOT_MASTER_ANNOUNCE_INTERVAL: '0' }
/** How long a server stays online that only rejects; with rounds of 1 s, legacy peers too. */
const DEATH_AFTER = 60_000
/** Each of a dozen peers is contacted only now and then, and a busy machine is slow. */
const MET_WITHIN = 60_000
/** So rare that no round of its own brings a drained legacy peer back. */
const NO_ROUNDS = { SHAZBOT_GOSSIP_INTERVAL: '86400' }

const OTHER_SERVICES = {
  401: { status: 401, body: 'Log in' },
  413: { status: 413, body: 'Too large' },
  429: { status: 429, body: 'Slow down' },
  '429 with Retry-After: 7': { status: 429, headers: { 'Retry-After': '7' }, body: 'Slow down' },
  '429 with Retry-After: 3600': { status: 429, headers: { 'Retry-After': '3600' }, body: 'Slow down' },
  'an empty list': { body: { online: [] } },
}

function answerAlways(peer, answer) {
  peer.onGossip = () => answer
  peer.onList = () => answer
}

describe('addresses taken over by others', { concurrency: 8 }, () => {
  test('another service at the address of a dead server keeps it online for a minute', async (t) => {
    const healthy = await createNativePeer(t)
    // It rejects the secret from now on, but its public list still contains it.
    const rejecting = [await createNativePeer(t), await createFakePeer(t)]
    const replaced = []
    for (const create of [createNativePeer, createFakePeer]) {
      for (const answer of Object.values(OTHER_SERVICES)) {
        replaced.push(Object.assign(await create(t), { answer }))
      }
    }
    const all = [healthy, ...rejecting, ...replaced]
    const servers = all.map((peer) => peer.entry(aWhileAgo()))
    const { app, store } = await startSubject(t, { servers, env: ANNOUNCE_EVERY_SECOND })
    await eventually(() => all.every((peer) => peer.gossips.length > 0), {
      within: MET_WITHIN,
      what: 'an exchange with each',
    })

    const began = performance.now()
    for (const peer of rejecting) peer.onGossip = () => ({ status: 401, body: 'Unauthorized' })
    for (const peer of replaced) answerAlways(peer, peer.answer)
    await throughout(
      async () => {
        const list = await app.list()
        return all.every((peer) => isOnline(list, peer.baseUrl))
      },
      { lasting: DEATH_AFTER - 5_000, every: 500, what: 'all are online' },
    )
    await eventually(
      async () => {
        const list = await app.list()
        return replaced.every((peer) => isOffline(list, peer.baseUrl))
      },
      { within: MET_WITHIN + 20_000, what: 'all addresses with another service are offline' },
    )
    t.diagnostic(`all offline after ${Math.round(performance.now() - began)} ms`)
    await eventually(() => replaced.every((peer) => !find(store.servers, peer.baseUrl)), {
      what: 'they are no longer on the master list',
    })
    await throughout(
      async () => {
        const list = await app.list()
        assert.ok(
          replaced.every((peer) => isOffline(list, peer.baseUrl)),
          'they stay offline',
        )
        return [healthy, ...rejecting].every((peer) => isOnline(list, peer.baseUrl))
      },
      { lasting: 10_000, every: 500, what: 'servers that exchange or list themselves are online' },
    )
  })

  test('another service on the port of a killed process does not count as the server', async (t) => {
    const { app, store } = await startSubject(t, { env: ANNOUNCE_EVERY_SECOND })
    const { app: victim } = await startSubject(t, {
      store,
      env: ANNOUNCE_EVERY_SECOND,
      port: await freePort(),
    })
    await eventually(async () => isOnline(await app.list(), victim.baseUrl), { what: 'they see each other' })
    await victim.kill()
    const port = Number(new URL(victim.baseUrl).port)
    const service = await createScriptedServer(t, () => ({ status: 401, body: 'Log in' }), { port })
    await eventually(() => service.requests.length > 0, { what: 'the other service is asked' })
    await eventually(async () => isOffline(await app.list(), victim.baseUrl), {
      within: DEATH_AFTER + 20_000,
      what: 'the killed server is offline',
    })
    await eventually(() => !find(store.servers, victim.baseUrl), { what: 'it left the master list' })
  })

  test('clusters with different secrets can share a master list', async (t) => {
    const store = await createMasterListStore(t)
    const began = performance.now()
    const clusters = { ours: [], theirs: [] }
    for (const [name, apps] of Object.entries(clusters)) {
      for (let i = 0; i < 2; i++) {
        const env = environment(store, { ...ANNOUNCE_EVERY_SECOND, SHAZBOT_SECRET: `the-secret-of-${name}` })
        apps.push(await spawnApp(t, { modulePath: SUBJECT, env, port: await freePort() }))
      }
    }
    const all = Object.values(clusters).flat()
    await eventually(() => urlsOf(store.servers).join() === urlsOf(all).join(), { what: 'all are listed' })
    const started = performance.now()
    const showsItsOwn = (apps) => async (app) =>
      urlsOf((await app.list()).online).join() === urlsOf(apps).join()
    const areApart = async () => {
      const checks = Object.values(clusters).flatMap((apps) => apps.map(showsItsOwn(apps)))
      return (await Promise.all(checks)).every(Boolean)
    }
    await eventually(areApart, { within: 30_000, what: 'each cluster shows only its own' })
    t.diagnostic(`apart ${Math.round(performance.now() - started)} ms after all were listed`)
    t.diagnostic(`apart ${Math.round(performance.now() - began)} ms after the first start`)

    await throughout(areApart, { lasting: 10_000, every: 500, what: 'it stays so' })
    assert.deepEqual(urlsOf(store.servers), urlsOf(all), 'both clusters stay on the list')
    for (const app of all) {
      const warnings = app.lines.filter(({ text }) => text.includes('shares its master list'))
      assert.equal(warnings.length, 1, `one warning: ${warnings.map(({ text }) => text).join('\n')}`)
    }
  })

  test('a drained legacy peer is offline until a minute after its return', async (t) => {
    const store = await createMasterListStore(t)
    const env = environment(store, NO_ROUNDS)
    const legacyPeer = await spawnApp(t, { modulePath: REFERENCE, env, port: await freePort() })
    store.write([entry(legacyPeer.baseUrl, aWhileAgo())])
    const { app } = await startSubject(t, { store, env: NO_ROUNDS })
    await eventually(async () => isOnline(await app.list(), legacyPeer.baseUrl), { what: 'it is online' })

    await legacyPeer.drain()
    // Another server claims it, and the server checks.
    await app.sendGossip({ offline: [entry(legacyPeer.baseUrl)] })
    await eventually(async () => isOffline(await app.list(), legacyPeer.baseUrl), { what: 'it is offline' })
    await throughout(async () => isOffline(await app.list(), legacyPeer.baseUrl), {
      lasting: 30_000,
      every: 500,
      what: 'it is offline while the drain lasts',
    })

    await legacyPeer.bringBack()
    const began = performance.now()
    await eventually(async () => isOnline(await app.list(), legacyPeer.baseUrl), {
      within: 90_000,
      every: 100,
      what: 'it is online again',
    })
    const took = performance.now() - began
    t.diagnostic(`online after ${Math.round(took)} ms`)
    assert.ok(took >= 55_000, `online only after a minute in its own list: ${took} ms`)
  })
})
