'use strict'

/**
 * The program of prometheus.test.js: a server that shows its metrics. It listens on `PORT`, which
 * need not be the one of its base URL.
 */

const http = require('node:http')
const { shazbotStart } = require('clustershazbot')
const { shazbotHandler } = require('clustershazbot/node')

const server = http.createServer(shazbotHandler({ metrics: true }))

process.on('disconnect', () => process.exit())

server.listen(Number(process.env.PORT), '127.0.0.1', async () => {
  await shazbotStart()
  process.send('ready')
})
