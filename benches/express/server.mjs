/**
 * An Express 5 server of some kind, in a cluster of this size. Its first message is its port. Then
 * it receives `begin`, to measure 'costs' or 'delays', and 'end', to report them.
 */

import { createRequire } from 'node:module'
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { Cluster, message } from '../support/cluster.mjs'
import { cpuTime } from '../support/cpu.mjs'
import { SECRET, settings } from '../support/settings.mjs'

/** The body limit of the parser. */
const LIMIT = '16mb'
const PATH = '/clustershazbot/gossip'

const { kind, ...peers } = JSON.parse(process.argv[2])
const cluster = new Cluster(peers)
const require = createRequire(import.meta.url)
const express = createRequire(new URL('../../__test__/apps/express5/package.json', import.meta.url))(
  'express',
)
Object.assign(process.env, settings())
console.log = () => {}

const app = express()
const KINDS = {
  adapter: () => app.use(require('clustershazbot/express').shazbotMiddleware()),
  'hand-written': () => byHand(require('clustershazbot')),
  reference: () => byHand(require('../../__test__/reference')),
  empty,
}

/** The routes of `docs/hand-written-routes.md`. */
function byHand(shazbot) {
  app.post(PATH, express.json({ limit: LIMIT }), async (request, response) => {
    response.json(await shazbot.shazbotGossipRequest(request.headers.authorization ?? '', request.body))
  })
}

/** The minimum of any route: reads the same bytes and returns as many. */
function empty() {
  const bytes = Buffer.from(message(cluster.entries()))
  app.post(PATH, (request, response) => {
    request.on('data', () => {})
    request.on('end', () => response.set('Content-Type', 'application/json').end(bytes))
  })
}

KINDS[kind]()
// With the empty route too. Reading the first message enlarges V8's young generation, after which
// the memory of bodies triggers a full garbage collection ten times as often.
const shazbot = require(kind === 'reference' ? '../../__test__/reference' : 'clustershazbot')
await shazbot.shazbotStart()
await shazbot.shazbotGossipRequest(SECRET, JSON.parse(message(cluster.entries())))

const delay = monitorEventLoopDelay({ resolution: 1 })
let before
process.on('message', (what) => {
  if (what.begin) {
    // Its timer ticks a thousand times per second, which would count as a cost of slow requests.
    if (what.begin === 'delays') delay.enable()
    else delay.disable()
    before = cpuTime()
    delay.reset()
    process.send('begun')
  } else process.send({ microseconds: cpuTime() - before, delay: delay.percentile(99) / 1_000_000 })
})
process.on('disconnect', () => process.exit())
const server = app.listen(0, '127.0.0.1', () => process.send(server.address().port))
