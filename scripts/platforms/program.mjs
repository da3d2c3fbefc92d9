/** A running copy of the program, in a rig or on this machine, controlled over HTTP only. */

import { spawn } from 'node:child_process'
import { closeSync, existsSync, openSync, readFileSync, rmSync } from 'node:fs'
import http from 'node:http'
import https from 'node:https'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { ROOT } from './build-cache.mjs'

export const SECRET = 'gossip-secret-of-tests'
export const CONTROL_SECRET = 'control-secret-of-tests'
export const CERTIFICATE = join(ROOT, '__test__/fixtures/tls/self-signed.pem')
const isWindows = process.platform === 'win32'
const ANSWERS_WITHIN_MS = 20_000

/**
 * Starts it with the master list at `listUrl`; `app` is its folder on this machine, `rig` runs it.
 */
export function startProgram({ rig, app, port, secure, listUrl }) {
  const baseUrl = `${secure ? 'https' : 'http'}://127.0.0.1:${port}/`
  const certificate = rig.pathOf('/app/self-signed.pem')
  const env = {
    PATH: process.env.PATH,
    HOME: '/root',
    ...(isWindows ? { SystemRoot: process.env.SystemRoot } : {}),
    ...rig.env,
    PORT: String(port),
    SECURE: secure ? '1' : '',
    TEST_CERTIFICATE: certificate,
    TEST_KEY: rig.pathOf('/app/test-only.key.pem'),
    NODE_EXTRA_CA_CERTS: certificate,
    SHAZBOT_BASE_URL: baseUrl,
    SHAZBOT_MASTER_LIST: listUrl,
    SHAZBOT_MASTER_LIST_UPDATE: listUrl,
    SHAZBOT_MASTER_LIST_UPDATE_AUTH: 'Bearer token',
    SHAZBOT_SECRET: SECRET,
    SHAZBOT_CONTROL_SECRET: CONTROL_SECRET,
    SHAZBOT_GOSSIP_INTERVAL: '1',
  }
  for (const name of ['ended', 'log']) rmSync(join(app, name), { force: true })
  const log = join(app, 'log')
  // A file instead of a pipe, because Windows programs under Wine stop at a pipe.
  const output = openSync(log, 'w')
  const [command, ...args] = [...rig.command, rig.pathOf('/app/server.js')]
  // A process group, because a rig may start more processes.
  const child = spawn(command, args, { env, stdio: ['ignore', output, output], detached: !isWindows })
  closeSync(output)
  let end
  child.on('error', (error) => {
    end = error.message
  })
  child.on('exit', (code, signal) => {
    end ??= signal ?? code
  })

  const control = ({ online }) =>
    request(`${baseUrl}clustershazbot/control`, {
      secret: CONTROL_SECRET,
      body: { message: 'control', online },
    })
  return {
    baseUrl,
    /** How it ended; undefined while it runs. */
    end: () => end,
    exitCode: () =>
      existsSync(join(app, 'ended')) ? Number(readFileSync(join(app, 'ended'), 'utf8')) : undefined,
    said: () => readFileSync(log, 'utf8'),
    kill: () => endGroup(child),
    status: () => request(`${baseUrl}status`),
    list: (secret = CONTROL_SECRET) => request(`${baseUrl}clustershazbot/list`, { secret }),
    drain: () => control({ online: false }),
    bringBack: () => control({ online: true }),
    leave: () => request(`${baseUrl}end`, { body: {} }),
  }
}

function endGroup({ pid }) {
  try {
    if (pid) process.kill(isWindows ? pid : -pid, 'SIGKILL')
  } catch {
    // It has already ended.
  }
}

const certificates = readFileSync(CERTIFICATE)

function request(url, { secret = '', body } = {}) {
  const client = url.startsWith('https:') ? https : http
  const headers = { Authorization: secret, 'Content-Type': 'application/json' }
  const options = {
    method: body ? 'POST' : 'GET',
    headers,
    ca: certificates,
    agent: false,
    timeout: ANSWERS_WITHIN_MS,
  }
  return new Promise((resolve, reject) => {
    const outgoing = client.request(url, options, async (response) => {
      try {
        const chunks = []
        for await (const chunk of response) chunks.push(chunk)
        const text = Buffer.concat(chunks).toString('utf8')
        if (response.statusCode !== 200) throw new Error(`${url} answered ${response.statusCode}: ${text}`)
        resolve(JSON.parse(text))
      } catch (error) {
        reject(error)
      }
    })
    outgoing.on('timeout', () => outgoing.destroy(new Error(`no answer from ${url}`)))
    outgoing.on('error', reject)
    outgoing.end(body && JSON.stringify(body))
  })
}

/** Resolves with the first truthy result of `check`; an exception means "not yet". */
export async function eventually(check, within, what) {
  const deadline = Date.now() + within
  for (;;) {
    let last = ''
    try {
      const value = await check()
      if (value) return value
    } catch (error) {
      if (error.isFinal) throw error
      last = ` (${error.message})`
    }
    if (Date.now() > deadline) throw new Error(`${what}: not within ${within / 1000} s${last}`)
    await pause(100)
  }
}
