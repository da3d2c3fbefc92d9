/**
 * The main-thread cost of answering a gossip request, as bytes and as objects, and the reference
 * peer's.
 */

import { withTargets } from './exchange/targets.mjs'
import { Child, firstMessage } from './support/child.mjs'
import { Cluster } from './support/cluster.mjs'
import { FLAGS } from './support/interleaved.mjs'

export const title = 'A gossip exchange'
export const about =
  'The main-thread CPU time of one request. Raw: from the bytes of the body to the bytes of the response; the ' +
  'reference parses, merges and stringifies. Objects: with a parsed body, as in hand-written routes; the reference ' +
  'merges and answers.'
const IN_OVERVIEW = ['raw, all equal', 'objects, all equal', 'raw, native']
/** The picture with which the document begins. */
export const overview = {
  file: 'exchange',
  title: 'The cost of a gossip request',
  rows: ({ name }) => IN_OVERVIEW.includes(name),
}
export const plots = [
  { file: 'exchange-raw', title: 'A gossip request from bytes to bytes', rows: ({ way }) => way === 'raw' },
  { file: 'exchange-objects', title: 'A gossip request with objects', rows: ({ way }) => way === 'objects' },
]

const SIZES = [10, 100, 1_000, 10_000]

/** @returns {Promise<import('./support/row.mjs').Row[]>} */
export async function measure({ quick = false, progress = () => {} } = {}) {
  const how = quick ? { rounds: 7, budget: 2_000 } : { rounds: 21, budget: 10_000 }
  const moment = Cluster.moment()
  const peers = await Child.start(program('../support/peers.mjs'), moment)
  const rows = []
  try {
    for (const language of ['legacy', 'native']) {
      for (const servers of SIZES) {
        progress(`${language}, ${servers} servers`)
        const input = { ...how, ...moment, servers, address: peers.first }
        rows.push(...(await firstMessage(program(`./${language}.mjs`), input, FLAGS)))
      }
    }
  } finally {
    peers.end()
  }
  return withTargets(rows)
}

function program(path) {
  return new URL(path, new URL('./exchange/', import.meta.url))
}
