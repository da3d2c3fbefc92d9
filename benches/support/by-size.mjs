import { Child } from './child.mjs'
import { Cluster } from './cluster.mjs'

/**
 * Measures clusters of several sizes in turn; returns the rows of all.
 *
 * @param {number[]} sizes servers of each cluster
 * @param {(what: string) => void} progress
 * @param {(input: object) => Promise<import('./row.mjs').Row[]>} measure its input is for the
 * program that is measured
 */
export async function rowsBySize(sizes, progress, measure) {
  const moment = Cluster.moment()
  const peers = await Child.start(new URL('./peers.mjs', import.meta.url), moment)
  const rows = []
  try {
    for (const servers of sizes) {
      progress(`${servers} servers`)
      rows.push(...(await measure({ ...moment, servers, address: peers.first })))
    }
  } finally {
    peers.end()
  }
  return rows
}
