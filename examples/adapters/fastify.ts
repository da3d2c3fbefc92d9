import { shazbotShutDown, shazbotStart } from 'clustershazbot'
import { shazbotPlugin } from 'clustershazbot/fastify'
import fastify from 'fastify'

const app = fastify()
app.register(shazbotPlugin)
app.addHook('preClose', () => shazbotShutDown())

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
