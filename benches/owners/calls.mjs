/** The cost of calls in a cluster of this size; reports the rows. */

import { createRequire } from 'node:module'
import { startSubject } from '../exchange/start.mjs'
import { Cluster } from '../support/cluster.mjs'
import { interleaved } from '../support/interleaved.mjs'
import { row } from '../support/row.mjs'

const require = createRequire(import.meta.url)
const { shazbotOwner, shazbotOwners, shazbotOwns } = require('clustershazbot/owners')

const { rounds, budget, changes, ...peers } = JSON.parse(process.argv[2])
const { servers } = peers

/** Calls measured as one, since a call takes less than the measuring. */
const BATCH = 100
const ALL_KEYS = 1_000_000

/** The targets in µs. */
const OWNS = { 100: 1, 1000: 8, 10000: 80 }
const NEW_VIEW = 5_000

const cluster = new Cluster(peers)
const subject = await startSubject()
await subject.objects(gossip(cluster.entries()))

const own = keysWhere(true)
const others = keysWhere(false)
const batch = (call) => (keys) => keys.forEach(call)
const variants = [
  { name: 'shazbotOwns, by the owner', body: () => own, call: batch(shazbotOwns), most: OWNS[servers] },
  {
    name: 'shazbotOwns, by another server',
    body: () => others,
    call: batch(shazbotOwns),
    most: OWNS[servers],
  },
  { name: 'shazbotOwner', body: () => others, call: batch(shazbotOwner) },
  { name: 'shazbotOwners, of three', body: () => others, call: batch((key) => shazbotOwners(key, 3)) },
]
const numbers = await interleaved(variants, { rounds, budget, entries: BATCH })
const rows = variants.map(({ name, most }) =>
  row({
    name,
    servers,
    numbers: numbers.get(name).map((number) => number / BATCH),
    wanted: most && { of: 'value', most },
  }),
)
rows.push(
  row({
    name: 'shazbotOwner, first call after a change',
    servers,
    numbers: await afterChanges(),
    wanted: servers === 10_000 ? { of: 'value', most: NEW_VIEW } : undefined,
  }),
)
process.send(rows)

/** Returns keys that the subject owns, or does not own; the same ones again if there are few. */
function keysWhere(isOwned) {
  const keys = []
  for (let number = 0; number < ALL_KEYS && keys.length < BATCH; number++)
    if (shazbotOwns(`session:${number}`) === isOwned) keys.push(`session:${number}`)
  return Array.from({ length: BATCH }, (_, index) => keys[index % keys.length])
}

/** Returns the times of first calls, each after a server has come. */
async function afterChanges() {
  const times = []
  for (let change = 0; change < changes; change++) {
    const baseUrl = cluster.legacyUrl(servers + change)
    await subject.objects(gossip([{ baseUrl, monitor: false, lastUpdate: peers.stamp }]))
    const began = performance.now()
    shazbotOwner('session:1')
    times.push((performance.now() - began) * 1_000)
  }
  return times
}

function gossip(online) {
  return { message: 'gossip', online, offline: [] }
}
