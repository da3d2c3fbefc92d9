import { shazbotShutDown, shazbotStart } from 'clustershazbot'
import { shazbotMiddleware } from 'clustershazbot/express'
import express from 'express'

const app = express()
app.use(shazbotMiddleware())
app.listen(Number(process.env.PORT ?? 3000))

shazbotStart().catch((error) => {
  console.error(error.message)
  process.exit(1)
})

// PM2 sends SIGINT, and SIGKILL after kill_timeout.
process.once('SIGINT', async () => {
  await shazbotShutDown()
  // The channel to PM2 would keep this process alive.
  process.exit(0)
})
