/**
 * The cost of a raw exchange that another thread reads, and of the way there; reports the rows. A
 * processor that sleeps has to be woken first, so both are measured again while it is kept awake.
 */

import { spawn } from 'node:child_process'
import { createRequire } from 'node:module'
import { availableParallelism, constants, setPriority } from 'node:os'
import { startReference, startSubject } from '../exchange/start.mjs'
import { Cluster, message, shuffled } from '../support/cluster.mjs'
import { interleaved } from '../support/interleaved.mjs'
import { row } from '../support/row.mjs'

const { keysReady } = createRequire(import.meta.url)('../../js/engine/addon.js')

/** Milliseconds after which a processor may sleep even if this program has failed. */
const LONGEST_SPIN = 300_000

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
const asleep = await measured('')
const spinners = Array.from({ length: availableParallelism() }, spin)
const awake = await measured(', processors awake')
for (const spinner of spinners) spinner.kill()
process.send([...asleep, ...awake])

async function measured(suffix) {
  const numbers = await interleaved(variants, { rounds, budget, entries: servers })
  const all = numbers.get('reference')
  return variants.slice(0, -1).map(({ name }) => {
    return row({ name: `raw: ${name}${suffix}`, servers, numbers: numbers.get(name), reference: all })
  })
}

/** Keeps a processor awake with a program that yields to any other. */
function spin() {
  const program = `const end = Date.now() + ${LONGEST_SPIN}; while (Date.now() < end);`
  const spinner = spawn(process.execPath, ['-e', program], { stdio: 'ignore' })
  setPriority(spinner.pid, constants.priority.PRIORITY_LOW)
  return spinner
}
