'use strict'

const { fork } = require('node:child_process')
const { once } = require('node:events')
const path = require('node:path')
const { aWhileAgo, entry } = require('./entries')
const { cleanEnvironment, environment } = require('./environment')
const { eventually } = require('./eventually')
const { getList } = require('./http')
const { createMasterListStore } = require('./master-list-store')
const { freePort } = require('./ports')

const PROCESS = path.join(__dirname, 'job-process.js')

/**
 * A cluster whose servers all call the same jobs with `shazbotRunOnce`, one per second. It counts
 * how often each job has run.
 */
class JobCluster {
  /** How often each job has run, by its tick. */
  #runs = new Map()
  /** The calls for each job: `{ baseUrl, called, ended, why, online }`. */
  #calls = new Map()
  /** When servers learned of changes. */
  #changes = []
  #servers = new Set()
  #t
  #store

  /** @param {Pick<import('node:test').TestContext, 'after'>} t */
  static async create(t, { servers }) {
    const cluster = new JobCluster()
    cluster.#t = t
    cluster.#store = await createMasterListStore(t)
    await cluster.join()
    await Promise.all(Array.from({ length: servers - 1 }, () => cluster.join()))
    await cluster.#agree()
    return cluster
  }

  get size() {
    return this.#servers.size
  }

  /** Adds a server, which takes part in the jobs if they have begun. */
  async join() {
    const port = await freePort()
    const baseUrl = `http://127.0.0.1:${port}/`
    const env = environment(this.#store, { SHAZBOT_BASE_URL: baseUrl, SHAZBOT_GOSSIP_INTERVAL: undefined })
    const child = fork(PROCESS, { env: { ...cleanEnvironment(), ...env, PORT: String(port) }, silent: true })
    this.#t.after(() => child.kill('SIGKILL'))
    const server = { baseUrl, child }
    const exited = once(child, 'exit').then(() => Promise.reject(new Error(`${baseUrl} has ended`)))
    exited.catch(() => {})
    // Its first message comes when it has started.
    await Promise.race([once(child, 'message'), exited])
    child.on('message', (message) => this.#receive(message, baseUrl))
    this.#servers.add(server)
    this.#publish()
    if (this.hasBegun) child.send('begin')
    return server
  }

  /** Kills a server. */
  crash(index) {
    this.#remove(index).child.kill('SIGKILL')
  }

  /** Shuts a server down. */
  leave(index) {
    this.#remove(index).child.send('leave')
  }

  /** Stops all processes but one, until the end of the test. */
  isolate(index) {
    const servers = [...this.#servers]
    for (const [other, { child }] of servers.entries()) if (other !== index) child.kill('SIGSTOP')
    return servers[index]
  }

  /** Why a server has not run a job, by its latest call. */
  latestReason({ baseUrl }) {
    const calls = [...this.#calls.values()].flat().filter((call) => call.baseUrl === baseUrl)
    return calls.at(-1)?.why
  }

  /** Lets a server run a job until it is aborted; resolves when it runs. */
  async hold(index) {
    const { child } = [...this.#servers][index]
    const held = new Promise((resolve) => {
      child.on('message', ({ kind }) => kind === 'held' && resolve())
    })
    child.send('hold')
    await held
  }

  /** Resolves with why that job was aborted, and whether the server was ready then. */
  aborted({ child }) {
    return new Promise((resolve) => {
      child.on('message', (message) => message.kind === 'aborted' && resolve(message))
    })
  }

  begin() {
    this.hasBegun = true
    for (const { child } of this.#servers) child.send('begin')
  }

  /** Ends the jobs; resolves when all calls have returned. */
  async end() {
    for (const { child } of this.#servers) child.send('end')
    const all = () => [...this.#calls.values()].every((calls) => calls.length >= this.size)
    await eventually(all, { within: 40_000, what: 'the ends of all calls' }).catch(() => {})
  }

  /**
   * Returns how many jobs ran 0, 1, 2 … times: those for which all servers had the same list, that
   * of the running servers, and the others.
   */
  counts() {
    const counts = { agreed: [0, 0, 0], disturbed: [0, 0, 0] }
    const ticks = [...this.#calls.keys()].sort()
    // Some servers may have begun or ended at another tick than others.
    for (const tick of ticks.slice(1, -1)) {
      const kind = this.#agreedAbout(tick) ? 'agreed' : 'disturbed'
      const runs = this.#runs.get(tick) ?? 0
      counts[kind][runs] = (counts[kind][runs] ?? 0) + 1
    }
    return counts
  }

  /** Whether all servers saw each other only during all calls for a job. */
  #agreedAbout(tick) {
    const calls = this.#calls.get(tick)
    const from = Math.min(...calls.map(({ called }) => called))
    const to = Math.max(...calls.map(({ ended }) => ended))
    const running = calls
      .map(({ baseUrl }) => baseUrl)
      .sort()
      .join()
    return (
      calls.every(({ online }) => online.join() === running) &&
      this.#changes.every((at) => at < from || at > to)
    )
  }

  #receive(message, baseUrl) {
    const { kind, tick, at, call } = message
    if (kind === 'change') this.#changes.push(at)
    if (kind === 'run') this.#runs.set(tick, (this.#runs.get(tick) ?? 0) + 1)
    if (kind === 'call') this.#calls.set(tick, [...(this.#calls.get(tick) ?? []), { baseUrl, ...call }])
  }

  #remove(index) {
    const server = [...this.#servers][index % this.size]
    this.#servers.delete(server)
    // The views change a little later.
    this.#changes.push(Date.now())
    this.#publish()
    return server
  }

  #publish() {
    this.#store.write([...this.#servers].map(({ baseUrl }) => entry(baseUrl, aWhileAgo())))
  }

  #agree() {
    const sees = async ({ baseUrl }) => (await getList(baseUrl)).json.online.length === this.size
    const all = async () => (await Promise.all([...this.#servers].map(sees))).every(Boolean)
    return eventually(all, { within: 60_000, what: `${this.size} servers see each other` })
  }
}

module.exports = { JobCluster }
