/**
 * The memory of servers that a process has only heard of, outside of the JavaScript heap. Another
 * process answers the same kinds of requests, but none of them names a server.
 */

import { setTimeout as pause } from 'node:timers/promises'
import { Child } from '../support/child.mjs'
import { SECRET } from '../support/settings.mjs'

const PROGRAM = new URL('./server.mjs', import.meta.url)
/** The age at which offline servers are forgotten, in ms. */
const A_DAY = 86_400_000
/** Time in ms in which a process gives back what a burst has taken beside the servers. */
const MINUTE = 60_000
/** Time in ms from the claims until they are a day old: the first figure takes a minute of it. */
const LEFT = 80_000
/** Verified servers that may stay, as their tombstones are newer than the claims. */
const MAX_LEFT = 0.01

/**
 * Returns the bytes for each of the servers, while they are known and after they were forgotten.
 */
export async function heardInProcess(servers) {
  const children = await Promise.all([1, 2].map(() => Child.start(PROGRAM, {}, ['--expose-gc'])))
  const [bare, subject] = children
  /** Collects the garbage of both; returns how many bytes more the one with servers takes. */
  const grown = async () => (await subject.ask('memory')) - (await bare.ask('memory'))
  const claims = (lastUpdate) =>
    Array.from({ length: servers }, (_, index) => ({ baseUrl: urlOf(index), monitor: false, lastUpdate }))
  const tell = async (lists) => {
    await Promise.all([
      request(bare.first, 'gossip', { message: 'gossip', online: [], offline: [] }),
      request(subject.first, 'gossip', { message: 'gossip', online: [], offline: [], ...lists }),
    ])
    // The bytes of the message are garbage of JavaScript now, which V8 collects at any time. If it
    // did so just before a figure is taken, that would count what glibc keeps of a message.
    await grown()
  }
  const lists = async () =>
    JSON.parse((await Promise.all(children.map(({ first }) => request(first, 'list'))))[1])
  try {
    const forgottenAt = Date.now() + LEFT
    const stamp = forgottenAt - A_DAY
    await tell({ online: claims(stamp - 1) })
    await pause(MINUTE)
    const known = await grown()
    const { online, offline } = await lists()
    if (online.length + offline.length <= servers) throw new Error('some are missing')
    await tell({ offline: claims(stamp) })
    await pause(forgottenAt + MINUTE - Date.now())
    const forgotten = await grown()
    const left = await lists()
    if (left.online.length + left.offline.length > servers * MAX_LEFT) throw new Error('too many are left')
    return [known, forgotten].map((bytes) => bytes / servers)
  } finally {
    for (const child of children) child.end()
  }
}

/** An address of this machine where nothing listens. */
const urlOf = (index) => `http://127.${1 + (index >> 16)}.${(index >> 8) & 255}.${index & 255}:9/`

async function request(port, route, message) {
  const response = await fetch(`http://127.0.0.1:${port}/clustershazbot/${route}`, {
    method: message ? 'POST' : 'GET',
    headers: { Authorization: SECRET, 'Content-Type': 'application/json' },
    body: message && JSON.stringify(message),
  })
  const text = await response.text()
  if (!response.ok) throw new Error(`${response.status}: ${text}`)
  return text
}
