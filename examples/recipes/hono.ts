import { type HttpBindings, serve } from '@hono/node-server'
import { RESPONSE_ALREADY_SENT } from '@hono/node-server/utils/response'
import { shazbotHandler } from 'clustershazbot/node'
import { Hono } from 'hono'
import { liveInCluster } from './life.js'

const app = new Hono<{ Bindings: HttpBindings }>()
const answerCluster = shazbotHandler()
app.all('/clustershazbot/*', ({ env }) => {
  answerCluster(env.incoming, env.outgoing)
  return RESPONSE_ALREADY_SENT
})
app.get('/', (context) => context.text('Hello'))

const server = serve({ fetch: app.fetch, port: Number(process.env.PORT ?? 3000) })
liveInCluster(() => server.close())
