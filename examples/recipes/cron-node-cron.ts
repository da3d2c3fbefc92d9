import { shazbotMiddleware } from 'clustershazbot/express'
import express from 'express'
import cron from 'node-cron'
import { liveInCluster } from './life.js'
import { nightlyReport, SCHEDULE } from './nightly-report.js'

const app = express()
app.use(shazbotMiddleware())
const server = app.listen(Number(process.env.PORT ?? 3000))

const task = cron.schedule(SCHEDULE, nightlyReport)

liveInCluster(() => {
  task.destroy()
  server.close()
})
