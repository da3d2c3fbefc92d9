/** The main-thread cost of a probe among native servers that agree; reports the rows. */

import { Cluster } from '../support/cluster.mjs'
import { interleaved } from '../support/interleaved.mjs'
import { row } from '../support/row.mjs'
import { startSubject, waitUntilKnown } from './start.mjs'

const { rounds, budget, ...peers } = JSON.parse(process.argv[2])
const { servers } = peers
const cluster = new Cluster(peers)
const subject = await startSubject({ SHAZBOT_MASTER_LIST: cluster.nativeMasterList() })
await waitUntilKnown(subject, servers)

// After this the next message agrees about all servers.
const { v2 } = await subject.objects(cluster.nativeMessage({}))
const text = JSON.stringify(cluster.nativeMessage({ living: v2.living, hash: v2.hash }))
const variants = [
  { name: 'raw', body: () => Buffer.from(text), call: subject.raw },
  { name: 'objects', body: () => JSON.parse(text), call: subject.objects },
]
const numbers = await interleaved(variants, { rounds, budget, entries: 1 })
const row_ = ([way, all]) => ({
  way,
  kind: 'native',
  ...row({ name: `${way}, native`, servers, numbers: all }),
})
process.send([...numbers].map(row_))
