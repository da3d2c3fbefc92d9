import { shazbotMiddleware } from 'clustershazbot/express'
import { Cron } from 'croner'
import express from 'express'
import { liveInCluster } from './life.js'
import { nightlyReport, SCHEDULE } from './nightly-report.js'

const app = express()
app.use(shazbotMiddleware())
const server = app.listen(Number(process.env.PORT ?? 3000))

const job = new Cron(SCHEDULE, nightlyReport)

liveInCluster(() => {
  job.stop()
  server.close()
})
