'use strict'

/**
 * The reference peer: the six functions with the behaviour of version 1, including its faults.
 *
 * It acts as legacy peer in mixed clusters and as baseline of the benchmarks. It is not an example
 * to follow: it keeps every fault that version 2 fixes. `FAULT n` names the test in
 * `__test__/fixed-in-v2/` that shows the fault.
 */

const { readConfig } = require('./config')

const ANNOUNCE_TO = 20
const GOSSIP_TIMEOUT = 5_000
const MASTER_LIST_TIMEOUT = 10_000
const RETRY_DELAY = 3_000
const TOMBSTONE_LIFE = 24 * 60 * 60 * 1_000

/**
 * The running engine. FAULT 20: a second start replaces it, and keeps the first one's timers
 * running.
 */
let engine

/**
 * Sends a request; any status but a 2xx throws.
 * FAULT 9: every other status is a failure. FAULT 27: `fetch` blocks some ports.
 * FAULT 21: the timeout ends with the headers, so a body that never ends is awaited forever.
 */
async function request(url, method, authorization, body, timeout) {
  const controller = new AbortController()
  const timer = setTimeout(() => controller.abort(), timeout)
  const headers =
    body === undefined ? {} : { 'Content-Type': 'application/json', Authorization: authorization }
  try {
    const response = await fetch(url, { method, headers, body, signal: controller.signal })
    if (!response.ok) throw new Error(`HTTP ${response.status}: ${response.statusText}`)
    return response
  } finally {
    clearTimeout(timer)
  }
}

const pause = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds))

function shuffled(list) {
  const copy = [...list]
  for (let i = copy.length - 1; i > 0; i--) {
    const j = Math.floor(Math.random() * (i + 1))
    ;[copy[i], copy[j]] = [copy[j], copy[i]]
  }
  return copy
}

class Engine {
  online = new Map()
  offline = new Map()

  constructor(config) {
    this.config = config
    this.refreshSelf()
  }

  async start() {
    await this.downloadMasterList()
    await this.announce() // FAULT 6: the responses are dropped
    this.armGossip()
    this.armMasterList()
    console.log('Clustershazbot engine started')
  }

  /** FAULT 20: a round in flight still schedules the next one. */
  async shutDown() {
    clearTimeout(this.gossipTimer)
    clearTimeout(this.masterListTimer)
    this.bury(this.config.SHAZBOT_BASE_URL)
    await this.announce()
    // FAULT 12: concurrent writes are lost.
    if (this.config.SHAZBOT_UPDATE_MASTER_LIST_ON_SHUTDOWN) await this.uploadMasterList()
    console.log('Clustershazbot engine shut down')
  }

  /**
   * FAULTS 3, 22: this brings a drained or leaving server back. FAULTS 4, 5: both lists, any clock.
   */
  refreshSelf() {
    const { SHAZBOT_BASE_URL: baseUrl, SHAZBOT_MONITOR: monitor } = this.config
    this.online.set(baseUrl, { baseUrl, monitor, lastUpdate: Date.now() })
  }

  /** FAULT 5: the tombstone of a server with a fast clock is older than its last entry. */
  bury(baseUrl) {
    const server = this.online.get(baseUrl)
    if (!server) return
    this.online.delete(baseUrl)
    this.offline.set(baseUrl, { ...server, lastUpdate: Date.now() })
  }

  /**
   * Strictly newer wins. FAULT 1: an online claim is not compared with tombstones. FAULTS 2, 4:
   * hearsay overrides everything, including its own entry. FAULTS 13, 14, 15: a malformed list or
   * entry throws midway or is accepted. FAULT 10: another spelling is another server. FAULT 16:
   * entries are kept by reference.
   */
  merge(list) {
    for (const server of list.online) {
      const known = this.online.get(server.baseUrl)
      if (known && server.lastUpdate <= known.lastUpdate) continue
      this.online.set(server.baseUrl, server)
      this.offline.delete(server.baseUrl)
    }
    for (const server of list.offline || []) {
      const known = this.online.get(server.baseUrl) || this.offline.get(server.baseUrl)
      if (known && server.lastUpdate <= known.lastUpdate) continue
      this.online.delete(server.baseUrl)
      this.offline.set(server.baseUrl, server)
    }
    this.dropOldTombstones()
  }

  /** FAULT 11: only called by a merge. */
  dropOldTombstones() {
    const oldest = Date.now() - TOMBSTONE_LIFE
    for (const [baseUrl, server] of this.offline) {
      if (server.lastUpdate < oldest) this.offline.delete(baseUrl)
    }
  }

  list(includeOffline) {
    const online = [...this.online.values()]
    return includeOffline ? { online, offline: [...this.offline.values()] } : { online }
  }

  message() {
    return { message: 'gossip', ...this.list(true) }
  }

  others() {
    return [...this.online.values()].filter((server) => server.baseUrl !== this.config.SHAZBOT_BASE_URL)
  }

  /** FAULT 26: URLs and reasons are logged unchanged, here and below. */
  async sendGossip(baseUrl, body) {
    try {
      const url = `${baseUrl}clustershazbot/gossip`
      const response = await request(url, 'POST', this.config.SHAZBOT_SECRET, body, GOSSIP_TIMEOUT)
      return await response.json()
    } catch (error) {
      console.error(`Failed to send gossip message to ${baseUrl}:`, error)
      return undefined
    }
  }

  async announce() {
    const others = this.others()
    const monitors = others.filter((server) => server.monitor)
    const rest = others.filter((server) => !server.monitor)
    const body = JSON.stringify(this.message())
    const chosen = [...shuffled(rest).slice(0, ANNOUNCE_TO), ...monitors]
    await Promise.all(chosen.map((server) => this.sendGossip(server.baseUrl, body)))
  }

  armGossip() {
    const interval = this.config.SHAZBOT_GOSSIP_INTERVAL * 1_000 * (0.9 + Math.random() * 0.2)
    this.gossipTimer = setTimeout(async () => {
      await this.gossipRound()
      this.armGossip()
    }, interval)
  }

  /**
   * FAULT 7: monitors are not preferred. FAULT 8: a server in `offline` is never contacted again.
   * FAULT 25: needs the event loop.
   */
  async gossipRound() {
    this.refreshSelf()
    const [peer] = shuffled(this.others())
    if (!peer) return
    const body = JSON.stringify(this.message()) // FAULT 22: the retry sends the state of the first attempt
    let answer = await this.sendGossip(peer.baseUrl, body)
    if (answer === undefined) {
      await pause(RETRY_DELAY)
      answer = await this.sendGossip(peer.baseUrl, body)
    }
    if (answer === undefined) this.bury(peer.baseUrl)
    else this.merge(answer) // FAULT 15: an unhandled exception on a response without an array `online`
  }

  /**
   * FAULT 12: uploads after any download, dead servers included, unconditionally, changed or not.
   */
  armMasterList() {
    const { SHAZBOT_MASTER_ANNOUNCE_MINIMUM: minimum, SHAZBOT_MASTER_ANNOUNCE_INTERVAL: interval } =
      this.config
    this.masterListTimer = setTimeout(
      async () => {
        await this.downloadMasterList()
        await this.uploadMasterList()
        this.armMasterList()
      },
      (minimum + Math.random() * interval) * 1_000,
    )
  }

  /**
   * FAULT 6: a failed download waits for the next announcement. FAULT 15: a malformed list throws
   * in the merge.
   */
  async downloadMasterList() {
    const url = this.config.SHAZBOT_MASTER_LIST
    let list
    try {
      const response = await request(url, 'GET', undefined, undefined, MASTER_LIST_TIMEOUT)
      list = await response.json()
    } catch (error) {
      console.error(`Failed to download master list from ${url}:`, error)
      return
    }
    this.merge(list)
  }

  async uploadMasterList() {
    const { SHAZBOT_MASTER_LIST_UPDATE: url, SHAZBOT_MASTER_LIST_UPDATE_AUTH: authorization } = this.config
    try {
      await request(url, 'PUT', authorization, JSON.stringify(this.list(false)), MASTER_LIST_TIMEOUT)
    } catch (error) {
      console.error(`Failed to upload master list to ${url}:`, error)
    }
  }
}

// ---- the six functions

function runningEngine() {
  if (!engine) throw new Error('Clustershazbot engine not started')
  return engine
}

async function shazbotStart() {
  const started = new Engine(readConfig())
  engine = started
  installHappyServerHook()
  await started.start()
}

/** FAULT 20: ends by dropping the current engine, even one that was started meanwhile. */
async function shazbotShutDown() {
  if (!engine) return
  await engine.shutDown()
  engine = undefined
}

async function shazbotGossipRequest(authorizationHeader, body) {
  const { config } = runningEngine()
  if (authorizationHeader !== config.SHAZBOT_SECRET) throw new Error('Unauthorized: Invalid SHAZBOT_SECRET')
  engine.refreshSelf()
  engine.merge(body)
  return engine.message()
}

async function shazbotListRequest(authorizationHeader) {
  const { config } = runningEngine()
  return engine.list(authorizationHeader === config.SHAZBOT_CONTROL_SECRET)
}

/** FAULT 3: the change is not announced. */
async function shazbotControlRequest(authorizationHeader, message) {
  const { config } = runningEngine()
  if (authorizationHeader !== config.SHAZBOT_CONTROL_SECRET) {
    throw new Error('Unauthorized: Invalid SHAZBOT_CONTROL_SECRET')
  }
  const isOnline = engine.online.has(config.SHAZBOT_BASE_URL)
  if (message.online && !isOnline) {
    engine.offline.delete(config.SHAZBOT_BASE_URL)
    engine.refreshSelf()
  } else if (!message.online && isOnline) {
    engine.bury(config.SHAZBOT_BASE_URL)
  }
}

function shazbotGetServerList(includeOffline = false) {
  return runningEngine().list(includeOffline)
}

// ---- happy-server

function happyServerStatus() {
  try {
    return { status: 'ok', cluster: engine?.list(true) }
  } catch (error) {
    return { status: 'error', error: error.message }
  }
}

function installHappyServerHook() {
  const host = globalThis.happyServerExtension
  if (typeof host !== 'object' || host === null) return false
  host.clustershazbot = happyServerStatus
  return true
}

if (!installHappyServerHook()) setTimeout(installHappyServerHook, 3_000) // FAULT 23: keeps the process alive for 3 s

module.exports = {
  shazbotStart,
  shazbotShutDown,
  shazbotGossipRequest,
  shazbotListRequest,
  shazbotControlRequest,
  shazbotGetServerList,
}
