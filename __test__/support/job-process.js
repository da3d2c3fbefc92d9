'use strict'

/**
 * A server for job-cluster.js. It runs a job at each tick of the clock with `shazbotRunOnce`, and
 * reports each run, each call with the servers that it sees then, and each change.
 */

const { createServer } = require('node:http')
const { shazbotGetServerList, shazbotShutDown, shazbotStart } = require('../..')
const { shazbotHandler } = require('../../js/adapters/node')
const { shazbotEvents } = require('../../js/events')
const { shazbotReady } = require('../../js/health')
const { shazbotOwns, shazbotRunOnce } = require('../../js/owners')

/** The time between two ticks, in milliseconds. */
const PERIOD = 1_000

const server = createServer(shazbotHandler())
let timer

/** Waits for the next tick, then calls the job and waits for the tick after it. */
function waitForTick() {
  const tick = Math.floor(Date.now() / PERIOD) + 1
  timer = setTimeout(
    () => {
      waitForTick()
      runJob(tick)
    },
    tick * PERIOD - Date.now(),
  )
}

async function runJob(tick) {
  const called = Date.now()
  const { why } = await shazbotRunOnce(`job ${tick}`, () => process.send({ kind: 'run', tick }))
  const online = shazbotGetServerList().online.map(({ baseUrl }) => baseUrl)
  process.send({ kind: 'call', tick, call: { called, ended: Date.now(), why, online: online.sort() } })
}

/** Runs a job that this server owns until it is aborted, and reports why. */
async function holdJob() {
  let number = 0
  while (!shazbotOwns(`held ${number}`)) number++
  const run = (signal) => {
    process.send({ kind: 'held' })
    return new Promise((resolve) => signal.addEventListener('abort', () => resolve(signal.reason.message)))
  }
  const { value } = await shazbotRunOnce(`held ${number}`, run, { quiet: 0 })
  process.send({ kind: 'aborted', reason: value, isReady: shazbotReady() })
}

process.on('message', async (message) => {
  if (message === 'hold') holdJob()
  if (message === 'begin') waitForTick()
  if (message === 'end') clearTimeout(timer)
  if (message !== 'leave') return
  clearTimeout(timer)
  await shazbotShutDown()
  process.disconnect()
  server.close()
})

process.once('disconnect', () => process.exit())

server.listen(Number(process.env.PORT), '127.0.0.1', async () => {
  await shazbotStart()
  process.send({ kind: 'started' })
  shazbotEvents.on('change', ({ at }) => process.send({ kind: 'change', at }))
})
