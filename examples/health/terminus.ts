import { createServer } from 'node:http'
import { setTimeout as pause } from 'node:timers/promises'
import { createTerminus } from '@godaddy/terminus'
import { shazbotShutDown, shazbotStart } from 'clustershazbot'
import { shazbotDrain, shazbotReady } from 'clustershazbot/health'
import { shazbotHandler } from 'clustershazbot/node'

/** The time in which load balancers notice that this server is not ready. */
const DRAIN_MS = Number(process.env.DRAIN_MS ?? 10_000)

const answerCluster = shazbotHandler()

const server = createServer((request, response) => {
  answerCluster(request, response, () => response.end('Hello'))
})

createTerminus(server, {
  signals: ['SIGINT', 'SIGTERM'],
  healthChecks: {
    '/healthz/ready': async () => {
      if (!shazbotReady()) throw new Error('not ready')
    },
    '/healthz/live': async () => {},
  },
  // A server that leaves is alive; the drain alone makes it unready.
  sendFailuresDuringShutdown: false,
  // Terminus closes the server after that.
  async beforeShutdown() {
    shazbotDrain()
    await pause(DRAIN_MS)
    await shazbotShutDown()
  },
})

server.listen(Number(process.env.PORT ?? 3000))

shazbotStart().catch((error) => {
  console.error(error.message)
  process.exit(1)
})
