'use strict'

const { spawnApp } = require('./app')
const { environment } = require('./environment')
const { createMasterListStore } = require('./master-list-store')
const { eventually } = require('./eventually')
const { find, urlsOf } = require('./entries')
const { freePort } = require('./ports')
const { SUBJECT, REFERENCE } = require('./subject')

const FAST = {
  SHAZBOT_GOSSIP_INTERVAL: '1',
  SHAZBOT_MASTER_ANNOUNCE_MINIMUM: '1',
  SHAZBOT_MASTER_ANNOUNCE_INTERVAL: '1',
}

/**
 * Servers over the tested module (native) and over the reference (legacy), in separate processes.
 * They know only the master list, which is empty at first.
 *
 * @param {import('node:test').TestContext} t
 * @param {{natives: number, legacies: number, env?: Record<string, string>}} options `env` has more
 * variables of native servers
 */
async function startMixedCluster(t, { natives, legacies, env = {} }) {
  const store = await createMasterListStore(t)
  // No server of another test may reuse the port of one that has ended, as it would answer in its
  // name.
  const add = async (modulePath, more, options) => {
    const variables = environment(store, { ...FAST, ...more })
    return spawnApp(t, { modulePath, env: variables, port: await freePort(), ...options })
  }
  const cluster = {
    store,
    natives: [],
    legacies: [],
    get apps() {
      return [...cluster.natives, ...cluster.legacies]
    },
    async addNative(options) {
      const app = await add(SUBJECT, env, options)
      cluster.natives.push(app)
      return app
    },
    async addLegacy(options) {
      const app = await add(REFERENCE, {}, options)
      cluster.legacies.push(app)
      return app
    },
    /** Removes a server from the cluster's lists, so that it is no longer checked. */
    without(app) {
      cluster.natives = cluster.natives.filter((other) => other !== app)
      cluster.legacies = cluster.legacies.filter((other) => other !== app)
    },
  }
  // Alternately, so that each kind joins clusters of the other.
  for (let i = 0; i < Math.max(natives, legacies); i++) {
    if (i < natives) await cluster.addNative()
    if (i < legacies) await cluster.addLegacy()
  }
  await allSeeEachOther(cluster)
  return cluster
}

/** Resolves once each server has shown a matching list, each at its own time. */
const eachSees = (apps, fits, { within, what }) =>
  Promise.all(apps.map((app) => eventually(async () => fits(await app.list()), { within, what })))

const allSeeEachOther = (cluster, within = 60_000) => {
  const all = urlsOf(cluster.apps).join()
  const others = (list) => urlsOf(list.online).join() === all
  return eachSees(cluster.apps, others, {
    within,
    what: `${cluster.apps.length} servers only are online`,
  })
}

/** Whether a list shows a server as offline only. */
const showsGone = (baseUrl) => (list) => !find(list.online, baseUrl) && !!find(list.offline, baseUrl)

const showsOnline = (baseUrl) => (list) => !!find(list.online, baseUrl) && !find(list.offline, baseUrl)

module.exports = { FAST, startMixedCluster, eachSees, allSeeEachOther, showsGone, showsOnline }
