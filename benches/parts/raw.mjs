/**
 * The cost of a raw exchange that another thread reads, and of the way there; reports the rows.
 * Both are measured again with all threads on one processor, so that none has to wake another one.
 */

import { execFileSync } from 'node:child_process'
import { createRequire } from 'node:module'
import { startReference, startSubject } from '../exchange/start.mjs'
import { Cluster, message, shuffled } from '../support/cluster.mjs'
import { interleaved } from '../support/interleaved.mjs'
import { row } from '../support/row.mjs'

const { keysReady } = createRequire(import.meta.url)('../../js/engine/addon.js')

const { rounds, budget, ...peers } = JSON.parse(process.argv[2])
const { servers } = peers
const cluster = new Cluster(peers)
const [subject, reference] = [await startSubject(), await startReference()]
const bytes = () => Buffer.from(message(shuffled(cluster.entries())))
for (const peer of [subject, reference]) await peer.raw(bytes())
// From now on this promise resolves as soon as another thread has seen it.
await keysReady()

const variants = [
  { name: 'another thread and back', body: bytes, call: () => keysReady() },
  { name: 'the whole exchange', body: bytes, call: subject.raw },
  { name: 'reference', body: bytes, call: reference.raw },
]
const rows = await measured('')
execFileSync('taskset', ['--all-tasks', '--cpu-list', '--pid', '0', `${process.pid}`])
rows.push(...(await measured(', on one processor')))
process.send(rows)

async function measured(suffix) {
  const numbers = await interleaved(variants, { rounds, budget, entries: servers })
  const all = numbers.get('reference')
  return variants.slice(0, -1).map(({ name }) => {
    return row({ name: `raw: ${name}${suffix}`, servers, numbers: numbers.get(name), reference: all })
  })
}
