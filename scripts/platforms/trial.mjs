/**
 * Runs the program on a platform, with a second server on this machine, over HTTP and then HTTPS.
 */

import { readFileSync } from 'node:fs'
import http from 'node:http'
import https from 'node:https'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { ROOT } from './build-cache.mjs'
import { artifactOf } from './platforms.mjs'
import { CERTIFICATE, eventually, startProgram } from './program.mjs'

export const CHECKS = ['load', 'start', 'gossip http', 'gossip https', 'list', 'control', 'shut down', 'exit']

/** Emulated programs are ten times slower, and CI machines are busy. */
const STARTS_WITHIN_MS = 120_000
const KNOWN_WITHIN_MS = 60_000

/**
 * Returns the outcome of each check by name (`ok` or the error, missing if not reached), and
 * measurements.
 */
export async function runChecks(platform, rig, app, secondApp) {
  const outcomes = {}
  const facts = {}
  for (const secure of [false, true]) {
    const world = await openWorld(rig, app, secondApp, secure)
    let check = 'load'
    try {
      for (const [name, perform] of Object.entries(steps(platform, world, facts))) {
        check = name === 'gossip' ? `gossip ${secure ? 'https' : 'http'}` : name
        await perform()
        outcomes[check] ??= 'ok'
      }
    } catch (error) {
      outcomes[check] = error.message
      facts.log = world.subject?.said() ?? world.secondServer.said()
    } finally {
      await world.close()
    }
    if (outcomes[check] !== 'ok') break
  }
  return { outcomes, facts }
}

function steps(platform, world, facts) {
  const { secondServer } = world
  const untilListed = (holder, server, list, what) =>
    eventually(isListed(holder, server, list), KNOWN_WITHIN_MS, what)
  let subject
  return {
    async load() {
      await eventually(
        async () => (await secondServer.status()).started,
        STARTS_WITHIN_MS,
        'the second server',
      )
      world.list = [{ baseUrl: secondServer.baseUrl, monitor: false, lastUpdate: Date.now() }]
      subject = world.startSubject()
      const { version, addons, loadMs } = await eventually(alive(subject), STARTS_WITHIN_MS, 'a first answer')
      if (!addons.includes(artifactOf(platform)))
        throw new Error(`it loaded ${addons.join(', ') || 'no addon'}`)
      Object.assign(facts, { version, loadMs: Math.max(facts.loadMs ?? 0, loadMs) })
    },
    async start() {
      await eventually(async () => (await subject.status()).started, STARTS_WITHIN_MS, 'the start')
    },
    async gossip() {
      await untilListed(secondServer, subject, 'online', 'the second server lists it')
      await untilListed(subject, secondServer, 'online', 'it lists the second server')
    },
    async list() {
      requireKeys(await subject.list(), ['online', 'offline'])
      requireKeys(await subject.list('wrong'), ['online'])
    },
    async control() {
      await subject.drain()
      await untilListed(secondServer, subject, 'offline', 'the second server lists it as drained')
      await subject.bringBack()
      await untilListed(secondServer, subject, 'online', 'the second server lists it as online')
    },
    async 'shut down'() {
      await subject.leave()
      await untilListed(secondServer, subject, 'offline', 'the second server lists it as offline')
    },
    async exit() {
      await eventually(() => subject.end() !== undefined, KNOWN_WITHIN_MS, 'the end of the process')
      const codes = [subject.end(), subject.exitCode()]
      if (codes.some((code) => code !== 0)) throw new Error(`it ended with ${codes.join(' and ')}`)
    },
  }
}

/** Returns its status; a process that has ended fails at once. */
function alive(subject) {
  return async () => {
    if (subject.end() === undefined) return subject.status()
    throw Object.assign(new Error(`it ended with ${subject.end()}`), { isFinal: true })
  }
}

function isListed(by, server, state) {
  return async () => (await by.list())[state].some(({ baseUrl }) => baseUrl === server.baseUrl)
}

function requireKeys(list, keys) {
  const found = Object.keys(list)
  if (found.join() !== keys.join()) throw new Error(`the list has ${found}, not ${keys}`)
}

/** Creates a master list and the second server; `startSubject` adds the tested program. */
async function openWorld(rig, app, secondApp, secure) {
  const store = await openStore(secure)
  const common = { secure, listUrl: store.url }
  const ownRig = { command: [process.execPath], env: {}, pathOf: (path) => join(secondApp, '..', path) }
  const world = {
    set list(servers) {
      store.servers = servers
    },
    secondServer: startProgram({ ...common, rig: ownRig, app: secondApp, port: await freePort() }),
    subject: undefined,
    startSubject() {
      world.subject = startProgram({ ...common, rig, app, port })
      return world.subject
    },
    async close() {
      for (const program of [world.subject, world.secondServer]) program?.kill()
      await store.close()
    },
  }
  const port = await freePort()
  return world
}

async function openStore(secure) {
  const answer = (request, response) => {
    request.resume()
    if (request.method === 'GET') response.setHeader('Content-Type', 'application/json')
    response.end(request.method === 'GET' ? JSON.stringify({ online: store.servers }) : '')
  }
  const key = join(ROOT, '__test__/fixtures/tls/test-only.key.pem')
  const server = secure
    ? https.createServer({ cert: readFileSync(CERTIFICATE), key: readFileSync(key) }, answer)
    : http.createServer(answer)
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve))
  const store = {
    servers: [],
    url: `${secure ? 'https' : 'http'}://127.0.0.1:${server.address().port}/servers.json`,
    close: () =>
      new Promise((resolve) => {
        server.close(resolve)
        server.closeAllConnections()
      }),
  }
  return store
}

function freePort() {
  return new Promise((resolve, reject) => {
    const probe = createServer()
    probe.once('error', reject)
    probe.listen(0, '127.0.0.1', () => {
      const { port } = probe.address()
      probe.close(() => resolve(port))
    })
  })
}
