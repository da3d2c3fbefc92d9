import { shazbotStatus } from 'clustershazbot/events'
import { shazbotMiddleware } from 'clustershazbot/express'
import express from 'express'
import { liveInCluster } from './life.js'

const app = express()
app.use(shazbotMiddleware())

/** What all servers together may answer in a minute. */
const REQUESTS_PER_MINUTE = Number(process.env.REQUESTS_PER_MINUTE ?? 600)
let minute = 0
let requests = 0

// A load balancer spreads the requests evenly, so each server may answer its share.
app.use((_request, response, next) => {
  const now = Math.floor(Date.now() / 60_000)
  if (now !== minute) requests = 0
  minute = now
  const share = Math.floor(REQUESTS_PER_MINUTE / Math.max(1, shazbotStatus().online))
  response.set('x-ratelimit-limit', String(share))
  if (++requests > share) response.status(429).send('Too many requests')
  else next()
})

app.get('/', (_request, response) => {
  response.send('Hello')
})

const server = app.listen(Number(process.env.PORT ?? 3000))
liveInCluster(() => server.close())
