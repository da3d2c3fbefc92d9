import { shazbotShutDown, shazbotStart } from 'clustershazbot'

/** Starts the engine. On SIGINT and SIGTERM leaves the cluster, then calls `close`. */
export function liveInCluster(close: () => unknown) {
  shazbotStart().catch((error) => {
    console.error(error.message)
    process.exit(1)
  })
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.once(signal, async () => {
      await shazbotShutDown()
      await close()
    })
  }
}
