/**
 * The main-thread cost of plain gossip and list requests in a cluster of this size; reports the
 * rows.
 */

import { Cluster, message, shuffled } from '../support/cluster.mjs'
import { interleaved } from '../support/interleaved.mjs'
import { row } from '../support/row.mjs'
import { startReference, startSubject } from './start.mjs'

const { rounds, budget, ...peers } = JSON.parse(process.argv[2])
const { servers } = peers
const cluster = new Cluster(peers)
const [subject, reference] = [await startSubject(), await startReference()]

/** The kinds of bodies: the number of entries, and a function that creates one. */
const allServers = cluster.entries()
const KINDS = {
  'all equal': { entries: servers, online: () => allServers },
  '1 % newer': { entries: servers, online: () => refreshed(100) },
  'all newer': { entries: servers, online: () => refreshed(1) },
  'in no order': { entries: servers, online: () => shuffled(cluster.entries()) },
  'one entry': { entries: 1, online: () => [cluster.entry(0)] },
}

function refreshed(oneOf) {
  cluster.refresh(oneOf)
  return cluster.entries()
}

const WAYS = {
  raw: (online) => Buffer.from(message(online)),
  objects: (online) => JSON.parse(message(online)),
}

for (const peer of [subject, reference]) await peer.objects(WAYS.objects(allServers))
const rows = []
for (const [kind, { entries, online }] of Object.entries(KINDS)) {
  const variants = Object.entries(WAYS).flatMap(([way, made]) =>
    Object.entries({ subject, reference }).map(([who, peer]) => {
      return { name: `${who} ${way}`, body: () => made(online()), call: peer[way] }
    }),
  )
  const numbers = await interleaved(variants, { rounds, budget, entries })
  for (const way of Object.keys(WAYS)) {
    const [ours, theirs] = ['subject', 'reference'].map((who) => numbers.get(`${who} ${way}`))
    rows.push({ way, kind, ...row({ name: `${way}, ${kind}`, servers, numbers: ours, reference: theirs }) })
  }
}

const askers = Object.entries({ subject, reference }).map(([name, { list }]) => ({
  name,
  body: () => true,
  call: list,
}))
const lists = await interleaved(askers, { rounds, budget, entries: servers })
const [ours, theirs] = ['subject', 'reference'].map((who) => lists.get(who))
rows.push({
  way: 'list',
  ...row({ name: 'shazbotGetServerList', servers, numbers: ours, reference: theirs }),
})
process.send(rows)
