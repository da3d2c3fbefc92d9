import { setTimeout as pause } from 'node:timers/promises'
import { shazbotShutDown, shazbotStart } from 'clustershazbot'
import { shazbotPlugin } from 'clustershazbot/fastify'
import { shazbotDrain } from 'clustershazbot/health'
import fastify from 'fastify'

/** The time in which load balancers notice that this server is not ready. */
const DRAIN_MS = Number(process.env.DRAIN_MS ?? 10_000)

// By default, Fastify answers everything with 503 as soon as `close` is called.
const app = fastify({ return503OnClosing: false })
app.register(shazbotPlugin, { health: true })
app.get('/', () => 'Hello')

// Fastify closes the server after that.
app.addHook('preClose', async () => {
  shazbotDrain()
  await pause(DRAIN_MS)
  await shazbotShutDown()
})

async function main() {
  await app.listen({ port: Number(process.env.PORT ?? 3000) })
  await shazbotStart()
}

main().catch((error) => {
  console.error(error.message)
  process.exit(1)
})

for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.once(signal, () => app.close())
}
