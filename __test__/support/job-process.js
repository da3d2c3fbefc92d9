'use strict'

/**
 * A server for job-cluster.js. It runs a job at each tick of the clock with `shazbotRunOnce`, and
 * reports each run, each call with the servers that it sees then, and each change.
 */

const { createServer } = require('node:http')
const { shazbotGetServerList, shazbotShutDown, shazbotStart } = require('../..')
const { shazbotHandler } = require('../../js/adapters/node')
const { shazbotEvents } = require('../../js/events')
const { shazbotRunOnce } = require('../../js/owners')

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

process.on('message', async (message) => {
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
