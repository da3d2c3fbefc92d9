/**
 * The cost of a raw exchange that another thread reads, and of one in which that thread has nothing
 * to read; reports the rows. Both are measured again with all threads on one processor, so that
 * none has to wake another one.
 */

import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { startReference, startSubject } from '../exchange/start.mjs'
import { Cluster, message, shuffled } from '../support/cluster.mjs'
import { interleaved } from '../support/interleaved.mjs'
import { row } from '../support/row.mjs'

const { rounds, budget, ...peers } = JSON.parse(process.argv[2])
const { servers } = peers
const cluster = new Cluster(peers)
const [subject, reference] = [await startSubject(), await startReference()]
const bytes = () => Buffer.from(message(shuffled(cluster.entries())))
for (const peer of [subject, reference]) await peer.raw(bytes())
const variants = [
  { name: 'a message without servers, of the same length', body: blank, call: subject.raw },
  { name: 'the whole exchange', body: bytes, call: subject.raw },
  { name: 'reference', body: bytes, call: reference.raw },
]
const rows = await measured('')
execFileSync('taskset', ['--all-tasks', '--cpu-list', '--pid', firstProcessor(), `${process.pid}`])
rows.push(...(await measured(', on one processor')))
process.send(rows)

function blank() {
  return Buffer.from(message([]).padEnd(bytes().length))
}

/** The number of a processor on which this process may run. */
function firstProcessor() {
  return /^Cpus_allowed_list:\s*(\d+)/m.exec(readFileSync('/proc/self/status', 'utf8'))[1]
}

async function measured(suffix) {
  const numbers = await interleaved(variants, { rounds, budget, entries: servers })
  const all = numbers.get('reference')
  return variants.slice(0, -1).map(({ name }) => {
    return row({ name: `raw: ${name}${suffix}`, servers, numbers: numbers.get(name), reference: all })
  })
}
