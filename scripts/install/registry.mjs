/**
 * A registry on loopback: it keeps what is published here, and forwards everything else to npm's
 * source.
 */

import { randomUUID } from 'node:crypto'
import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { ROOT } from '../platforms/build-cache.mjs'
import { run, start } from './processes.mjs'
import { CACHE } from './tools.mjs'

const { freePort } = createRequire(import.meta.url)('../../__test__/support/ports.js')

const STARTS_WITHIN_MS = 60_000

/**
 * Starts it with a storage below `folder`. It caches the packages of others, which do not change.
 * Resolves with its URL and a file of npm settings that allow publishing.
 */
export async function startRegistry(tools, folder) {
  const { output } = await run(['npm config get registry'], { cwd: ROOT, shell: true })
  const upstream = output.trim().split('\n').at(-1)
  console.log(`  packages of others come from ${withoutCredentials(upstream)}`)
  layOut(folder, upstream)

  const port = await freePort()
  const url = `http://127.0.0.1:${port}/`
  const log = join(folder, 'log')
  const command = [...tools.verdaccio, '--config', 'config.json', '--listen', `127.0.0.1:${port}`]
  const server = start(command, { cwd: folder, env: process.env, log })
  await listening(url, server, log)
  console.log(`  listens at ${url}`)

  const publisher = join(folder, 'publisher.npmrc')
  writeFileSync(publisher, `registry=${url}\n${url.slice('http:'.length)}:_authToken=${await signUp(url)}\n`)
  return { url, publisher, log, stop: server.stop }
}

function layOut(folder, upstream) {
  const others = join(CACHE, 'packages-of-others')
  mkdirSync(others, { recursive: true })
  mkdirSync(join(folder, 'storage'), { recursive: true })
  symlinkSync(others, join(folder, 'storage/others'), 'junction')
  const own = { access: '$all', publish: '$authenticated' }
  const config = {
    storage: './storage',
    web: { enable: false },
    auth: { htpasswd: { file: './htpasswd' } },
    uplinks: {
      upstream: { url: upstream, maxage: '12h', timeout: '60s', max_fails: 10, fail_timeout: '1s' },
    },
    packages: {
      clustershazbot: own,
      'clustershazbot-*': own,
      '**': { access: '$all', proxy: 'upstream', storage: 'others' },
    },
    max_body_size: '64mb',
    log: { type: 'stdout', format: 'pretty', level: 'warn' },
  }
  // Verdaccio's settings are YAML, which includes JSON.
  writeFileSync(join(folder, 'config.json'), JSON.stringify(config))
}

async function listening(url, server, log) {
  const deadline = Date.now() + STARTS_WITHIN_MS
  for (;;) {
    const said = () => readFileSync(log, 'utf8').slice(-2000)
    if (server.hasEnded()) throw new Error(`the registry ended\n${said()}`)
    const isUp = await fetch(`${url}-/ping`, { signal: AbortSignal.timeout(5_000) }).then(
      ({ ok }) => ok,
      () => false,
    )
    if (isUp) return
    if (Date.now() > deadline) throw new Error(`the registry did not start\n${said()}`)
    await pause(100)
  }
}

/** Publishing requires an account; resolves with its token. */
async function signUp(url) {
  const user = { name: 'releaser', password: randomUUID() }
  const response = await fetch(`${url}-/user/org.couchdb.user:${user.name}`, {
    method: 'PUT',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify(user),
    signal: AbortSignal.timeout(30_000),
  })
  if (!response.ok) throw new Error(`the registry rejected a new account: ${response.status}`)
  return (await response.json()).token
}

function withoutCredentials(url) {
  const { origin, pathname } = new URL(url)
  return origin + pathname
}
