/** A program that starts a server, changes what it knows, and reports what its listener heard. */

import { setTimeout as pause } from 'node:timers/promises'
import { shazbotGossipRequest, shazbotStart } from 'clustershazbot'
import { shazbotEvents } from 'clustershazbot/events'
import { cpuTime } from '../support/cpu.mjs'
import { SECRET, settings } from '../support/settings.mjs'

const { what, samples, hears } = JSON.parse(process.argv[2])
console.log = () => {}

/** A start does some work that ends seconds later. */
const SETTLED = 3_000
/** Servers that come and then go, which makes twice as many changes. */
const SERVERS = 5_000
const SERVERS_PER_MESSAGE = 50
const MESSAGE_INTERVAL = 1_000 / ((2 * SERVERS) / SERVERS_PER_MESSAGE)

const entry = (index, lastUpdate) => ({
  baseUrl: `http://127.0.0.1:9/server-${index}/`,
  monitor: false,
  lastUpdate,
})
const say = (lists) => shazbotGossipRequest(SECRET, { message: 'gossip', offline: [], ...lists })

Object.assign(process.env, settings({ SHAZBOT_LOG: 'silent' }))
await shazbotStart()
await pause(SETTLED)
process.send(await { delays, burst }[what]())

/** Returns the delays from changes to the listener, in µs. */
async function delays() {
  const measured = []
  for (let index = 0; index < samples; index++) {
    const heard = new Promise((resolve) => shazbotEvents.once('change', () => resolve(performance.now())))
    await pause(2)
    const saying = say({ online: [entry(index, Date.now())] })
    // The change has been made; the rest of the answer comes later.
    const changed = performance.now()
    measured.push(((await heard) - changed) * 1_000)
    await saying
  }
  return measured
}

/** Returns the CPU time of a second with 10,000 changes, and how often the listener was called. */
async function burst() {
  let changes = 0
  let news = 0
  if (hears) {
    shazbotEvents.on('change', (change) => {
      changes++
      news += change.news.length
    })
  }
  const [up, down] = [Date.now(), Date.now() + 10_000]
  globalThis.gc()
  const before = cpuTime()
  const began = performance.now()
  let sent = 0
  for (const [list, stamp] of [
    ['online', up],
    ['offline', down],
  ]) {
    for (let first = 0; first < SERVERS; first += SERVERS_PER_MESSAGE) {
      const entries = Array.from({ length: SERVERS_PER_MESSAGE }, (_, index) => entry(first + index, stamp))
      say({ online: [], [list]: entries })
      await pause(Math.max(0, began + ++sent * MESSAGE_INTERVAL - performance.now()))
    }
  }
  await pause(100)
  const cost = cpuTime() - before
  if (hears && news < 2 * SERVERS) throw new Error(`heard ${news} news`)
  return { cost, changes }
}
