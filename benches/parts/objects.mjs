/** The cost of each part of an exchange with objects; reports the rows. */

import { createRequire } from 'node:module'
import { startReference, startSubject } from '../exchange/start.mjs'
import { Cluster, message, shuffled } from '../support/cluster.mjs'
import { interleaved } from '../support/interleaved.mjs'
import { row } from '../support/row.mjs'
import { SECRET } from '../support/settings.mjs'

const require = createRequire(import.meta.url)
const addon = require('../../js/engine/addon.js')
const { readGossip } = require('../../js/requests/messages.js')
const { ReceivedEntries } = require('../../js/roster/received-entries.js')
const { RosterSnapshot } = require('../../js/roster/snapshot.js')
const { UrlTable } = require('../../js/roster/url-table.js')

/** Bodies of one call, because waiting for each part would cost as much as some of them. */
const BODIES = 10
/** Calls for which bodies are made in advance; more would not fit into a processor's caches. */
const CALLS_AT_ONCE = 100

const { rounds, budget, ...peers } = JSON.parse(process.argv[2])
const { servers } = peers
const cluster = new Cluster(peers)
const [subject, reference] = [await startSubject(), await startReference()]
const parsed = () => JSON.parse(message(shuffled(cluster.entries())))
for (const peer of [subject, reference]) await peer.objects(parsed())

const table = new UrlTable()
const snapshot = new RosterSnapshot()
const received = new ReceivedEntries()
table.store(addon.updateSnapshot(snapshot.bytes), snapshot.count)
received.write(readGossip(parsed()), table)

const PARTS = {
  'a call of an async function': async (body) => body,
  'the header': () => addon.authorizeGossip(SECRET),
  'writing the entries': (body) => received.write(readGossip(body), table),
  'merging them': () => addon.gossip(received.bytes, undefined, snapshot.bytes),
  'the response': () => snapshot.lists(table.urls, { includeOffline: true }),
  'the whole exchange': subject.objects,
  reference: reference.objects,
}
const variants = Object.entries(PARTS).map(([name, part]) => {
  return { name, body: () => Array.from({ length: BODIES }, parsed), call: (bodies) => forEach(bodies, part) }
})
const numbers = await interleaved(variants, { rounds, budget, calls: CALLS_AT_ONCE })
const costs = (name) => numbers.get(name).map((cost) => cost / BODIES)
const rows = Object.keys(PARTS)
  .slice(0, -1)
  .map((name) =>
    row({ name: `objects: ${name}`, servers, numbers: costs(name), reference: costs('reference') }),
  )
process.send(rows)

/** Waits only for promises. */
async function forEach(bodies, part) {
  for (const body of bodies) {
    const result = part(body)
    if (result instanceof Promise) await result
  }
}
