import Hapi from '@hapi/hapi'
import { shazbotHandler } from 'clustershazbot/node'
import { liveInCluster } from './life.js'

const server = Hapi.server({ port: Number(process.env.PORT ?? 3000) })
const answerCluster = shazbotHandler()
// Runs before Hapi looks for a route, authenticates and reads the body.
server.ext('onRequest', ({ raw }, reply) => {
  let isForUs = true
  // The handler calls its third argument synchronously if the path is not one of its own.
  answerCluster(raw.req, raw.res, () => {
    isForUs = false
  })
  return isForUs ? reply.abandon : reply.continue
})
server.route({ method: 'GET', path: '/', handler: () => 'Hello' })

await server.start()
liveInCluster(() => server.stop())
