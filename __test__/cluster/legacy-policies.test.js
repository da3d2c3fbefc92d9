'use strict'

/**
 * Native servers beside legacy peers (the reference), by `SHAZBOT_LEGACY`. With its default, these
 * are the clusters of interop.test.js.
 */

const { describe, test } = require('node:test')
const assert = require('node:assert/strict')
const { find, isOffline, urlsOf } = require('../support/entries')
const { eventually, throughout } = require('../support/eventually')
const {
  FAST,
  startMixedCluster,
  allSeeEachOther,
  eachSees,
  showsGone,
  showsOnline,
} = require('../support/mixed-cluster')
const { freePort } = require('../support/ports')
const { startSubject } = require('../support/subject')
const { createWiretap, isAccepted, isSigned } = require('../support/wiretap')

/** Legacy peers forget what they hear whenever an old claim arrives. */
const SEEN_WITHIN = 90_000
/** Several rounds, announcements and inquiries. */
const WATCHED = 8_000

const seenBy = (apps, fits, what) => eachSees(apps, fits, { within: SEEN_WITHIN, what })

describe('mixed clusters by policy', { concurrency: true }, () => {
  test('with SHAZBOT_LEGACY=known, all see those of the master list, and their drains and deaths', async (t) => {
    const env = { SHAZBOT_LEGACY: 'known' }
    const cluster = await startMixedCluster(t, { natives: 3, legacies: 2, env })
    const [drained, native] = cluster.natives
    const [legacy] = cluster.legacies
    await drained.drain()
    await seenBy(cluster.apps, showsGone(drained.baseUrl), 'the drain')
    await drained.bringBack()
    await seenBy(cluster.apps, showsOnline(drained.baseUrl), 'the return')
    for (const victim of [native, legacy]) cluster.without(victim)
    await Promise.all([native.kill(), legacy.kill()])
    for (const { baseUrl } of [native, legacy])
      await seenBy(cluster.apps, showsGone(baseUrl), `the death of ${baseUrl}`)
    await allSeeEachOther(cluster)
  })

  test('with SHAZBOT_LEGACY=off, servers of version 1 on the master list are left out with one warning', async (t) => {
    const env = { SHAZBOT_LEGACY: 'off' }
    const cluster = await startMixedCluster(t, { natives: 2, legacies: 0, env })
    const legacy = await cluster.addLegacy()
    cluster.without(legacy)
    const warnings = ({ lines }) =>
      lines.filter(({ stream, text }) => stream === 'stderr' && text.includes(legacy.baseUrl))
    await eventually(() => cluster.natives.every((app) => warnings(app).length > 0), { what: 'the warnings' })
    const natives = urlsOf(cluster.natives).join()
    const isLeftOut = async (app) => {
      const { online, offline } = await app.list()
      return urlsOf(online).join() === natives && !isOffline({ offline }, legacy.baseUrl)
    }
    await throughout(async () => (await Promise.all(cluster.natives.map(isLeftOut))).every(Boolean), {
      lasting: WATCHED,
      what: 'only the native servers are listed',
    })
    for (const app of cluster.natives) {
      const [{ text }, ...more] = warnings(app)
      assert.match(text, /SHAZBOT_LEGACY=off/)
      assert.deepEqual(more, [])
    }
    assert.ok(find(cluster.store.servers, legacy.baseUrl), 'it stays on the master list')
  })

  test('with SHAZBOT_PROBE_INTERVAL=0, a server is one of version 1 for those that sign', async (t) => {
    const cluster = await startMixedCluster(t, { natives: 2, legacies: 1 })
    const port = await freePort()
    const tap = await createWiretap(t, port)
    const env = { ...FAST, SHAZBOT_PROBE_INTERVAL: '0', SHAZBOT_BASE_URL: tap.baseUrl }
    const { app } = await startSubject(t, { store: cluster.store, port, env })
    const plain = { ...app, baseUrl: tap.baseUrl, list: () => app.list() }
    cluster.natives.push(plain)
    await allSeeEachOther(cluster)
    await app.drain()
    await seenBy(cluster.apps, showsGone(tap.baseUrl), 'the drain')
    await app.bringBack()
    await allSeeEachOther(cluster)
    cluster.without(plain)
    await app.leave()
    await seenBy(cluster.apps, showsGone(tap.baseUrl), 'the leave')

    assert.deepEqual(tap.exchanges.filter(isSigned), [])
    assert.ok(tap.challenges.length > 0)
    assert.ok(tap.challenges.filter(isAccepted).every(({ answer }) => !answer.proof))
    const offers = tap.raw.filter(({ json }) => json.v2)
    assert.ok(offers.length > 0 && offers.every(({ answer }) => !answer?.v2))
  })
})
