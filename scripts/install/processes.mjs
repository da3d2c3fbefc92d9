/** Runs other programs, each with a deadline; none of them outlives this one. */

import { spawn } from 'node:child_process'
import { createWriteStream } from 'node:fs'

const isWindows = process.platform === 'win32'
const SHOWN_LINES = 25

/** What is still to be closed, in order of creation. */
const open = []
let ending = false

/** Calls `close` at the end of the run, for any reason; the returned function calls it earlier. */
export function atEnd(close) {
  open.push(close)
  return async () => {
    const index = open.indexOf(close)
    if (index < 0) return
    open.splice(index, 1)
    await close()
  }
}

export const isEnding = () => ending

/** Closes everything; afterwards, nothing can be started. */
export async function endAll() {
  ending = true
  while (open.length > 0) await open.pop()()
}

/**
 * The part of node's test context that the helpers of `__test__/` use: its `after`, run by `close`.
 */
export function openScope() {
  const closers = []
  return {
    after: (close) => closers.push(atEnd(close)),
    async close() {
      while (closers.length > 0) await closers.pop()()
    },
  }
}

/**
 * Runs a command; resolves with `{code, output}`, and rejects for a nonzero code unless `mayFail`.
 */
export async function run(
  [command, ...args],
  { cwd, env, within = 180_000, mayFail = false, shell = false },
) {
  if (ending) throw new Error('the run is ending')
  const child = spawn(command, args, {
    cwd,
    env,
    shell,
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: !isWindows,
  })
  let output = ''
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text) => {
      output += text
    })
  }
  let closed = false
  let late = false
  const timer = setTimeout(() => {
    late = true
    endGroup(child)
  }, within)
  const release = atEnd(() => closed || endGroup(child))
  try {
    const { code, signal } = await endOf(child)
    closed = true
    if (code === 0 || (mayFail && !late)) return { code, output }
    const how = late ? `not within ${within / 1000} s` : `it ended with ${signal ?? code}`
    const tail = output.trimEnd().split('\n').slice(-SHOWN_LINES).join('\n')
    throw new Error(`${[command, ...args].join(' ')}: ${how}\n${tail}`)
  } finally {
    clearTimeout(timer)
    await release()
  }
}

/**
 * Starts a command that runs until the end of this process or until the returned function is
 * called.
 */
export function start([command, ...args], { cwd, env, log }) {
  const child = spawn(command, args, {
    cwd,
    env,
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: !isWindows,
  })
  const file = createWriteStream(log)
  for (const stream of [child.stdout, child.stderr]) stream.pipe(file, { end: false })
  let ended = false
  const end = endOf(child).then(() => {
    ended = true
    file.end()
  })
  return {
    hasEnded: () => ended,
    stop: atEnd(async () => {
      if (!ended) endGroup(child)
      await end
    }),
  }
}

function endOf(child) {
  return new Promise((resolve) => {
    child.once('error', (error) => resolve({ code: null, signal: error.message }))
    child.once('close', (code, signal) => resolve({ code, signal }))
  })
}

/** A process group, because package managers start more processes. */
function endGroup({ pid }) {
  try {
    if (pid) process.kill(isWindows ? pid : -pid, 'SIGKILL')
  } catch {
    // It has already ended.
  }
}

/**
 * Returns the environment with `own` settings, and without those of package managers, which would
 * override the local registry. Requests to loopback use no proxy.
 */
export function cleanEnvironment(own) {
  const ofPackageManagers =
    /^(npm_|pnpm_|yarn_|corepack_|xdg_|shazbot_|init_cwd$|node_options$|node_path$|ci$)/i
  const kept = Object.entries(process.env).filter(([name]) => !ofPackageManagers.test(name))
  const noProxy = [process.env.NO_PROXY ?? process.env.no_proxy, '127.0.0.1'].filter(Boolean).join(',')
  return { ...Object.fromEntries(kept), NO_PROXY: noProxy, no_proxy: noProxy, ...own }
}
