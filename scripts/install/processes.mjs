/** Other programs, each with a deadline; whatever ends this one, none of them outlives it. */

import { spawn } from 'node:child_process'
import { createWriteStream } from 'node:fs'

const isWindows = process.platform === 'win32'
const SHOWN_LINES = 25

/** What is still to be closed, the newest last. */
const open = []
let ending = false

/** Calls `close` when the run ends, however it does; what is returned calls it earlier. */
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

/** Closes everything; nothing is started any more. */
export async function endAll() {
  ending = true
  while (open.length > 0) await open.pop()()
}

/** The part of node's test context that the helpers of `__test__/` use: its `after`, which `close` carries out. */
export function openScope() {
  const closers = []
  return {
    after: (close) => closers.push(atEnd(close)),
    async close() {
      while (closers.length > 0) await closers.pop()()
    },
  }
}

/** Runs a command to its end; resolves with `{code, output}`, and rejects over a code that is not 0 unless `mayFail`. */
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

/** Starts a command that runs until the end of this one, or until the function that is returned is called. */
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

/** A group of its own, because package managers start further processes. */
function endGroup({ pid }) {
  try {
    if (pid) process.kill(isWindows ? pid : -pid, 'SIGKILL')
  } catch {
    // It has ended already.
  }
}

/**
 * The environment without settings of package managers, which would outdo those of the local registry, and with `own` ones.
 * What is sent to loopback stays on it, whatever proxy there is.
 */
export function cleanEnvironment(own) {
  const ofPackageManagers =
    /^(npm_|pnpm_|yarn_|corepack_|xdg_|shazbot_|init_cwd$|node_options$|node_path$|ci$)/i
  const kept = Object.entries(process.env).filter(([name]) => !ofPackageManagers.test(name))
  const noProxy = [process.env.NO_PROXY ?? process.env.no_proxy, '127.0.0.1'].filter(Boolean).join(',')
  return { ...Object.fromEntries(kept), NO_PROXY: noProxy, no_proxy: noProxy, ...own }
}
