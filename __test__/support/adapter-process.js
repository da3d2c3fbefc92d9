'use strict'

/**
 * The program of adapter-server.js: the routes of an engine through one adapter, in its own
 * process, so that its memory can be measured. `ADAPTER` contains the host's name and the adapter's
 * options as JSON.
 */

const http2 = require('node:http2')
const { shazbotStart } = require('clustershazbot')
const { shazbotHandler } = require('clustershazbot/node')
const { HOSTS } = require('./adapter-hosts')

/** The interval of memory measurements, in ms. */
const LOOK = 20

const { name, options } = JSON.parse(process.env.ADAPTER)
const hosts = {
  ...HOSTS,
  'node:http2': async (_, options) => {
    const server = http2.createServer(shazbotHandler(options))
    await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve))
    return `http://127.0.0.1:${server.address().port}/`
  },
}

let highest = 0
const look = () => {
  const rss = process.memoryUsage.rss()
  highest = Math.max(highest, rss)
  return rss
}

process.on('message', () => {
  const current = look()
  const sockets = process.getActiveResourcesInfo().filter((name) => name === 'TCPSocketWrap').length
  process.send({ kind: 'usage', current, highest, sockets })
  highest = current
})
process.on('disconnect', () => process.exit())

async function main() {
  await shazbotStart()
  const baseUrl = await hosts[name]({ after() {} }, options)
  setInterval(look, LOOK)
  process.send({ kind: 'ready', baseUrl })
}

main()
