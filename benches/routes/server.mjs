/** A server with the routes for operators, in a cluster of this size; does what it is asked. */

import { createServer } from 'node:http'
import { shazbotDrain, shazbotResume } from 'clustershazbot/health'
import { shazbotHandler } from 'clustershazbot/node'
import { startSubject } from '../exchange/start.mjs'
import { Cluster } from '../support/cluster.mjs'
import { cpuTime } from '../support/cpu.mjs'

const cluster = new Cluster(JSON.parse(process.argv[2]))
const subject = await startSubject()
await subject.objects({ message: 'gossip', online: cluster.entries(), offline: [] })
const server = createServer(shazbotHandler({ watch: true, health: true }))
await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve))

let isOnline = true
const ANSWERS = {
  cpu: async () => cpuTime(),
  async change() {
    if (isOnline) shazbotDrain()
    else shazbotResume()
    isOnline = !isOnline
    // The news, and then what the streams write.
    for (let turn = 0; turn < 5; turn++) await new Promise(setImmediate)
  },
}
process.on('message', async (what) => process.send((await ANSWERS[what]()) ?? null))
process.send(server.address().port)
