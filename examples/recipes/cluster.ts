import cluster from 'node:cluster'
import { availableParallelism } from 'node:os'
import { shazbotShutDown, shazbotStart } from 'clustershazbot'
import { shazbotMiddleware } from 'clustershazbot/express'
import express from 'express'

const WORKERS = Number(process.env.WORKERS ?? availableParallelism())

if (cluster.isPrimary) {
  for (let started = 0; started < WORKERS; started++) cluster.fork()
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.once(signal, () => {
      for (const worker of Object.values(cluster.workers ?? {})) worker?.process.kill(signal)
    })
  }
} else {
  serve()
}

/** All workers have the same SHAZBOT_BASE_URL: any of them may accept a peer's connection. */
function serve() {
  const app = express()
  app.use(shazbotMiddleware())
  app.listen(Number(process.env.PORT ?? 3000))
  shazbotStart().catch((error) => {
    console.error(error.message)
    process.exit(1)
  })
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    // Ctrl-C signals the workers too, so each gets two signals; the second must not kill it.
    process.on(signal, async () => {
      await shazbotShutDown()
      // The channel to the primary process would keep this one alive.
      process.exit(0)
    })
  }
}
