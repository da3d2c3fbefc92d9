/** The cost of calls in a cluster of this size; reports the rows. */

import { createRequire } from 'node:module'
import { Registry } from 'prom-client'
import { startSubject } from '../exchange/start.mjs'
import { Cluster } from '../support/cluster.mjs'
import { interleaved } from '../support/interleaved.mjs'
import { row } from '../support/row.mjs'

const require = createRequire(import.meta.url)
const { shazbotMetrics } = require('clustershazbot/metrics')
const { shazbotPromClient } = require('clustershazbot/prom-client')

const { rounds, budget, ...peers } = JSON.parse(process.argv[2])
const { servers } = peers

/** The target in µs. */
const MOST = 200

const cluster = new Cluster(peers)
const subject = await startSubject()
await subject.objects({ message: 'gossip', online: cluster.entries(), offline: [] })
const registry = new Registry()
shazbotPromClient(registry)

const nothing = () => undefined
const variants = [
  // The bytes, since a string of parts is joined only then.
  { name: 'shazbotMetrics', body: nothing, call: () => Buffer.from(shazbotMetrics()), most: MOST },
  { name: 'a registry of prom-client', body: nothing, call: () => registry.metrics() },
]
const numbers = await interleaved(variants, { rounds, budget, entries: 1 })
process.send(
  variants.map(({ name, most }) =>
    row({ name, servers, numbers: numbers.get(name), wanted: most && { of: 'value', most } }),
  ),
)
