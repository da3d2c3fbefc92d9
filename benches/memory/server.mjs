/** A server that answers over HTTP, and reports the memory of its process when it is asked. */

import { createServer } from 'node:http'
import { setTimeout as pause } from 'node:timers/promises'
import { shazbotHandler } from 'clustershazbot/node'
import { startSubject } from '../exchange/start.mjs'

/** Collections: what one of them frees may have held other objects. */
const COLLECTIONS = 3
/** Time in ms in which the buffers of collected objects are freed. */
const FREEING = 300

console.error = () => {}
await startSubject()
const server = createServer(shazbotHandler())
await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve))
process.on('message', async () => {
  for (let collection = 0; collection < COLLECTIONS; collection++) {
    globalThis.gc()
    await pause(FREEING)
  }
  const { rss, heapTotal } = process.memoryUsage()
  process.send(rss - heapTotal)
})
process.send(server.address().port)
