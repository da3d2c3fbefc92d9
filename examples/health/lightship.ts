import { createServer } from 'node:http'
import { shazbotShutDown, shazbotStart } from 'clustershazbot'
import { shazbotEvents } from 'clustershazbot/events'
import { shazbotDrain } from 'clustershazbot/health'
import { shazbotHandler } from 'clustershazbot/node'
import { createLightship } from 'lightship'

/** The time in which load balancers notice that this server is not ready. */
const DRAIN_MS = Number(process.env.DRAIN_MS ?? 10_000)

const answerCluster = shazbotHandler()

const server = createServer((request, response) => {
  answerCluster(request, response, () => response.end('Hello'))
})
server.listen(Number(process.env.PORT ?? 3000))

// Lightship waits for the delay after a signal, then runs the handlers. The engine may take 15 s.
const lightship = await createLightship({ shutdownDelay: DRAIN_MS, shutdownHandlerTimeout: 20_000 })
shazbotEvents.on('status', ({ phase }) => {
  if (phase === 'running') lightship.signalReady()
  else lightship.signalNotReady()
})
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.once(signal, shazbotDrain)
}
lightship.registerShutdownHandler(async () => {
  await shazbotShutDown()
  await new Promise((resolve) => server.close(resolve))
})

shazbotStart().catch((error) => {
  console.error(error.message)
  process.exit(1)
})
