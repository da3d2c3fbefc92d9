import { shazbotShutDown, shazbotStart } from 'clustershazbot'
import { shazbotMiddleware } from 'clustershazbot/express'
import express from 'express'

const app = express()
app.use(shazbotMiddleware())
app.use(express.json())

const server = app.listen(Number(process.env.PORT ?? 3000))

shazbotStart().catch((error) => {
  console.error(error.message)
  process.exit(1)
})

for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.once(signal, async () => {
    await shazbotShutDown()
    server.close()
  })
}
