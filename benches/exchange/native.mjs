/** The main-thread cost of a probe among native servers that agree; reports the rows. */

import { createRequire } from 'node:module'
import { Cluster } from '../support/cluster.mjs'
import { interleaved } from '../support/interleaved.mjs'
import { row } from '../support/row.mjs'
import { SECRET } from '../support/settings.mjs'
import { startSubject, waitUntilKnown } from './start.mjs'

const { signMessage } = createRequire(import.meta.url)('../../__test__/support/native.js')

const { rounds, budget, ...peers } = JSON.parse(process.argv[2])
const { servers } = peers
const cluster = new Cluster(peers)
const subject = await startSubject({ SHAZBOT_MASTER_LIST: cluster.nativeMasterList() })
await waitUntilKnown(subject, servers)

const proof = await subject.challenge()
const signed = (more) => signMessage(cluster.nativeMessage(more), proof, SECRET)

// After this the next message agrees about all servers.
const first = signed({})
const { living, hash } = first.open((await subject.signedObjects(first)).v2)
const agreeing = () => signed({ living, hash })
const variants = [
  { name: 'raw', body: () => inBytes(agreeing()), call: subject.signedRaw },
  { name: 'objects', body: agreeing, call: subject.signedObjects },
]
const numbers = await interleaved(variants, { rounds, budget, entries: 1 })
const row_ = ([way, all]) => ({
  way,
  kind: 'native',
  ...row({ name: `${way}, native`, servers, numbers: all }),
})
process.send([...numbers].map(row_))

function inBytes({ header, message }) {
  return { header, bytes: Buffer.from(JSON.stringify(message)) }
}
