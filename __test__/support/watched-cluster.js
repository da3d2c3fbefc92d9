'use strict'

const { spawnApp } = require('./app')
const { environment } = require('./environment')
const { createMasterListStore } = require('./master-list-store')
const { aWhileAgo, entry } = require('./entries')
const { eventually } = require('./eventually')
const { freePort } = require('./ports')
const { SUBJECT } = require('./subject')
const { setTimeout: pause } = require('node:timers/promises')

/** Processes started at once: more would only wait for each other. */
const AT_ONCE = 8

/**
 * The interval in ms at which servers check their lists while a change is expected, and otherwise.
 */
const CLOSELY = 20
const CASUALLY = 1_000

/** As in production: only the secrets and addresses are set. */
const DEFAULTS = { SHAZBOT_GOSSIP_INTERVAL: undefined }

/**
 * A cluster of processes that report changes of their lists when they happen. So measurements show
 * when servers know, not when a test asks them.
 */
class WatchedCluster {
  /** All servers that ever ran, those that run, and those that have ended. */
  everyone = []
  apps = []
  ended = []

  /** @param {import('node:test').TestContext} t */
  static async create(t, { env = DEFAULTS, store } = {}) {
    const cluster = new WatchedCluster()
    Object.assign(cluster, { t, env, store: store ?? (await createMasterListStore(t)) })
    return cluster
  }

  /** Starts servers; resolves when all see all. */
  async start(count) {
    if (this.apps.length === 0) {
      await this.add()
      this.#publish()
    }
    while (this.apps.length < count) {
      const missing = Math.min(AT_ONCE, count - this.apps.length)
      await Promise.all(Array.from({ length: missing }, () => this.add()))
    }
    this.#publish()
    await this.agree()
  }

  /** Resolves when each server lists exactly the running servers as online. */
  async agree(within = 60_000) {
    const { apps } = this
    await eventually(() => apps.every((app) => sees(app, apps)), {
      within,
      what: `${apps.length} servers see each other only`,
    })
  }

  /**
   * Adds a server; resolves with the milliseconds until each other server knew, from the end and
   * from the call of its start.
   */
  async join(within) {
    this.#publish()
    const others = [...this.apps]
    const app = await this.add()
    const moments = await this.#moments(others, 'come', app, app.began, within)
    return { app, times: since(app.answered, moments), timesFromCall: since(app.began, moments) }
  }

  /**
   * Makes a server leave; resolves with the milliseconds until each other server knew, and until
   * the process ended.
   */
  async leave(app, within) {
    this.#end(app)
    const began = Date.now()
    const gone = app.leave().then(() => Date.now() - began)
    const moments = await this.#moments(this.apps, 'gone', app, began, within)
    return { times: since(began, moments), exit: await gone }
  }

  /** Kills a server; resolves with the milliseconds until each other server knew. */
  async kill(app, within) {
    this.#end(app)
    const began = Date.now()
    await app.kill()
    return { times: since(began, await this.#moments(this.apps, 'gone', app, began, within)) }
  }

  /** Resolves with the milliseconds until each of these servers saw another one come or go. */
  async noticed(observers, kind, app, from, within) {
    return since(from, await this.#moments(observers, kind, app, from, within))
  }

  /** Waits in the steady state; resolves with the servers' average and maximum usage. */
  async rest(lasting) {
    const { apps } = this
    await this.#watch(apps, CASUALLY)
    const began = performance.now()
    const before = await usageOf(apps)
    await pause(lasting)
    const after = await usageOf(apps)
    const seconds = (performance.now() - began) / 1_000
    await this.#watch(apps, CLOSELY)
    const used = (name) => after.map((usage, i) => (usage[name] - before[i][name]) / seconds)
    const handled = used('received').map((received, i) => received + used('sent')[i])
    // One server sends what another receives, so the average counts each byte once.
    return {
      bytesPerSecond: average(handled),
      cpu: { average: average(used('cpu')) / 1_000, max: Math.max(...used('cpu')) / 1_000 },
      memory: after.reduce((sum, { memory }) => sum + memory, 0),
    }
  }

  /** Returns servers that listed an ended server as online again, as text. */
  resurrections() {
    return this.everyone.flatMap((observer) =>
      this.ended.flatMap((dead) => {
        const changes = changesOf(observer, dead)
        const buried = changes.findIndex(({ kind }) => kind === 'gone')
        const back = buried >= 0 && changes.slice(buried).find(({ kind }) => kind === 'come')
        return back ? [`${observer.baseUrl} saw ${dead.baseUrl} come back at ${back.at}`] : []
      }),
    )
  }

  /** Returns servers that listed a running server as offline, as text. */
  falseDeaths() {
    return this.everyone.flatMap((observer) =>
      this.apps
        .filter((app) => changesOf(observer, app).some(({ kind }) => kind === 'gone'))
        .map((app) => `${observer.baseUrl} saw ${app.baseUrl} go`),
    )
  }

  /** Adds a server without waiting for it; the options are those of app.js. */
  async add(options) {
    const { t, store, env } = this
    const port = await freePort()
    const app = await spawnApp(t, { modulePath: SUBJECT, env: environment(store, env), port, ...options })
    await app.watch(CLOSELY)
    this.everyone.push(app)
    this.apps.push(app)
    return app
  }

  /** Publishes a realistic master list: the running servers, and one that has ended. */
  #publish() {
    const named = [...this.apps, ...this.ended.slice(-1)]
    this.store.write(named.map(({ baseUrl }) => entry(baseUrl, aWhileAgo())))
  }

  #end(app) {
    this.apps = this.apps.filter((other) => other !== app)
    this.ended.push(app)
  }

  #watch(apps, every) {
    return Promise.all(apps.map((app) => app.watch(every)))
  }

  async #moments(observers, kind, app, from, within = 60_000) {
    const momentOf = (observer) =>
      changesOf(observer, app).find((change) => change.kind === kind && change.at >= from)?.at
    await eventually(() => observers.every((observer) => momentOf(observer) !== undefined), {
      within,
      what: `${app.baseUrl} has ${kind} according to ${observers.length} servers`,
    })
    return observers.map(momentOf)
  }
}

const usageOf = (apps) => Promise.all(apps.map((app) => app.usage()))

const since = (from, moments) => moments.map((at) => Math.max(0, at - from))

const average = (numbers) => numbers.reduce((sum, number) => sum + number, 0) / numbers.length

/** The changes that a server saw of another one: `{at, kind: 'come' | 'gone'}`, in order. */
const changesOf = (observer, { baseUrl }) =>
  observer.changes.flatMap(({ at, come, gone }) => [
    ...(gone.includes(baseUrl) ? [{ at, kind: 'gone' }] : []),
    ...(come.includes(baseUrl) ? [{ at, kind: 'come' }] : []),
  ])

/** The base URLs that a server lists as online. */
function seenBy(app) {
  const online = new Set()
  for (const { come, gone } of app.changes) {
    for (const baseUrl of gone) online.delete(baseUrl)
    for (const baseUrl of come) online.add(baseUrl)
  }
  return online
}

/** Whether a server lists exactly these as online. */
const sees = (app, apps) =>
  sameSet(
    seenBy(app),
    apps.map(({ baseUrl }) => baseUrl),
  )

const sameSet = (set, urls) => set.size === urls.length && urls.every((url) => set.has(url))

module.exports = { WatchedCluster, DEFAULTS, changesOf, seenBy, sees }
