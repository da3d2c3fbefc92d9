import { shazbotPlugin } from 'clustershazbot/fastify'
import fastify from 'fastify'
import { liveInCluster } from './life.js'

const app = fastify()
app.addHook('onRequest', async (request, reply) => {
  // The matched route, not the requested URL: an unusual spelling must not bypass the login.
  if (request.routeOptions.url?.startsWith('/clustershazbot/')) return
  if (request.headers.authorization !== 'Bearer a-visitor') return reply.code(401).send('Log in first')
})
app.register(shazbotPlugin)
app.get('/', () => 'Hello')

await app.listen({ port: Number(process.env.PORT ?? 3000) })
liveInCluster(() => app.close())
