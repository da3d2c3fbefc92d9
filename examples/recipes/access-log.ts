import { shazbotMiddleware } from 'clustershazbot/express'
import express from 'express'
import morgan from 'morgan'
import { pinoHttp } from 'pino-http'
import { liveInCluster } from './life.js'

const isForCluster = ({ url = '' }) => url.startsWith('/clustershazbot/')

const app = express()
app.use(morgan('tiny', { skip: isForCluster }))
app.use(pinoHttp({ autoLogging: { ignore: isForCluster } }))
app.use(shazbotMiddleware())
app.get('/', (_request, response) => {
  response.send('Hello')
})

const server = app.listen(Number(process.env.PORT ?? 3000))
liveInCluster(() => server.close())
