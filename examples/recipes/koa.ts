import { shazbotHandler } from 'clustershazbot/node'
import Koa from 'koa'
import { liveInCluster } from './life.js'

const app = new Koa()
const answerCluster = shazbotHandler()
app.use((context, next) => {
  let isForUs = true
  // The handler calls its third argument synchronously if the path is not one of its own.
  answerCluster(context.req, context.res, () => {
    isForUs = false
  })
  if (!isForUs) return next()
  context.respond = false
})
app.use((context) => {
  if (context.path === '/') context.body = 'Hello'
})

const server = app.listen(Number(process.env.PORT ?? 3000))
liveInCluster(() => server.close())
