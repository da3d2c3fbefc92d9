'use strict'

/** Processes that stop for a while, and networks that split: the cluster recovers. */

const { describe, test } = require('node:test')
const { setTimeout: pause } = require('node:timers/promises')
const { aWhileAgo, entry } = require('../support/entries')
const { eventually } = require('../support/eventually')
const { createNetworks, whyNoNetworks } = require('../support/networks')
const { freePort } = require('../support/ports')
const { DEFAULTS, WatchedCluster, sees } = require('../support/watched-cluster')

/**
 * A younger server that is silent may not listen yet, so it gets a grace from those that it never
 * answered.
 */
const GROWN_UP_AFTER = 30_000

/** About 10 s are expected; 27 s if the server is in its grace for some other server. */
const MISSED_WITHIN = 90_000
const STOPPED_FOR = 20_000

/** Expected at once. */
const BACK_WITHIN = 30_000

/** 60 s are expected: each server retries one dead server every 30 s. */
const HEALED_WITHIN = 300_000

const signals = process.platform === 'win32' && 'Windows has no SIGSTOP'

describe('clusters: faults', { concurrency: 2 }, () => {
  test('a stopped process is detected, and online everywhere once it continues', {
    skip: signals,
  }, async (t) => {
    const cluster = await WatchedCluster.create(t)
    await cluster.start(6)
    await pause(GROWN_UP_AFTER)

    const [stopped, ...others] = cluster.apps
    const began = Date.now()
    stopped.signal('SIGSTOP')
    const missed = await cluster.noticed(others, 'gone', stopped, began, MISSED_WITHIN)
    t.diagnostic(`missed by all ${Math.max(...missed)} ms after SIGSTOP`)
    await pause(STOPPED_FOR - (Date.now() - began))

    const ended = Date.now()
    stopped.signal('SIGCONT')
    const back = await cluster.noticed(others, 'come', stopped, ended, BACK_WITHIN)
    t.diagnostic(`back for all ${Math.max(...back)} ms after SIGCONT`)
    await cluster.agree()
  })

  const networks = whyNoNetworks()
  test('two halves of a split network keep running and reunite', {
    skip: networks,
  }, async (t) => {
    const { left, right, cut, heal } = await createNetworks(t)
    // No store is reachable from inside the namespace, so the variable contains the master list
    // itself.
    const addresses = await Promise.all(
      [left, right, left, right, left, right].map(async (side) => ({ ...side, port: await freePort() })),
    )
    const online = addresses.map(({ host, port }) => entry(`http://${host}:${port}/`, aWhileAgo()))
    const url = `data:application/json,${encodeURIComponent(JSON.stringify({ online }))}`
    const env = { ...DEFAULTS, SHAZBOT_MASTER_LIST_UPDATE: 'http://127.0.0.1:9/none' }
    const cluster = await WatchedCluster.create(t, { store: { url }, env })
    for (const address of addresses) await cluster.add(address)
    await cluster.agree()
    await pause(GROWN_UP_AFTER)

    const halves = [left, right].map(({ host }) =>
      cluster.apps.filter(({ baseUrl }) => baseUrl.startsWith(`http://${host}:`)),
    )
    const began = performance.now()
    cut()
    await eventually(() => halves.every((half) => half.every((app) => sees(app, half))), {
      within: MISSED_WITHIN,
      what: 'each half sees only itself',
    })
    t.diagnostic(`each half was alone ${Math.round(performance.now() - began)} ms after the cut`)

    const healed = performance.now()
    heal()
    await cluster.agree(HEALED_WITHIN)
    t.diagnostic(`all saw all ${Math.round(performance.now() - healed)} ms after it was healed`)
  })
})
