/**
 * An Express 5 server of some kind, among so many others. Its first message is its port; then it is asked to `begin`, with an eye
 * on 'costs' or on 'delays', and to tell what was used since ('end').
 */

import { createRequire } from 'node:module'
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { Cluster, message } from '../support/cluster.mjs'
import { computed } from '../support/cpu.mjs'
import { SECRET, settings } from '../support/settings.mjs'

/** The largest body that the parser takes. */
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

/** As `docs/hand-written-routes.md` shows it. */
function byHand(shazbot) {
  app.post(PATH, express.json({ limit: LIMIT }), async (request, response) => {
    response.json(await shazbot.shazbotGossipRequest(request.headers.authorization ?? '', request.body))
  })
}

/** What no route can do without: takes the same bytes, and gives as many. */
function empty() {
  const bytes = Buffer.from(message(cluster.entries()))
  app.post(PATH, (request, response) => {
    request.on('data', () => {})
    request.on('end', () => response.set('Content-Type', 'application/json').end(bytes))
  })
}

KINDS[kind]()
if (kind !== 'empty') {
  const shazbot = require(kind === 'reference' ? '../../__test__/reference' : 'clustershazbot')
  await shazbot.shazbotStart()
  await shazbot.shazbotGossipRequest(SECRET, JSON.parse(message(cluster.entries())))
}

const delay = monitorEventLoopDelay({ resolution: 1 })
let before
process.on('message', (what) => {
  if (what.begin) {
    // Its clock ticks a thousand times a second, which requests would be charged with, the slower the more.
    if (what.begin === 'delays') delay.enable()
    else delay.disable()
    before = computed()
    delay.reset()
    process.send('begun')
  } else process.send({ microseconds: computed() - before, delay: delay.percentile(99) / 1_000_000 })
})
process.on('disconnect', () => process.exit())
const server = app.listen(0, '127.0.0.1', () => process.send(server.address().port))
