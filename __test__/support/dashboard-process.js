'use strict'

/**
 * The program of dashboard-cluster.js: an Express server with the dashboard, behind middleware that
 * changes headers and bodies. `DASHBOARD` has its address and the options of the routes as JSON.
 */

const compression = require('compression')
const helmet = require('helmet')
const { shazbotShutDown, shazbotStart } = require('clustershazbot')
const { shazbotMiddleware } = require('clustershazbot/express')
const { from } = require('./adapter-hosts')

const { host, port, options, cookie } = JSON.parse(process.env.DASHBOARD)
const authorize = cookie && ((request) => request.headers.cookie === cookie)

const app = from('express5')('express')()
app.use(helmet())
app.use(compression({ threshold: 0 }))
app.use(shazbotMiddleware({ dashboard: true, ...(authorize && { authorize }), ...options }))

const server = app.listen(port, host, async () => {
  await shazbotStart()
  process.send('ready')
})

process.on('message', async () => {
  await shazbotShutDown()
  server.close(() => process.exit())
})
process.on('disconnect', () => process.exit())
