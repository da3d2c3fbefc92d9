'use strict'

const { createServer } = require('node:net')

// Below the range from which the system takes ports, so that neither an outgoing connection nor a server of another test
// takes one that is to be free. Each process draws from a stretch of its own: test files run at once.
const LOWEST = 12_000
const STRETCH = 200
const STRETCHES = 100
const FIRST = LOWEST + (process.pid % STRETCHES) * STRETCH

const handedOut = new Set()

function isFree(port, host) {
  return new Promise((resolve) => {
    const probe = createServer()
    probe.once('error', () => resolve(false))
    probe.listen(port, host, () => probe.close(() => resolve(true)))
  })
}

/** A loopback port on which nothing listens: for servers that are named before they listen, and for dead ones. */
async function freePort(host = '127.0.0.1') {
  for (;;) {
    const port = FIRST + Math.floor(Math.random() * STRETCH)
    if (handedOut.has(port)) continue
    handedOut.add(port)
    if (!(await isFree(port, host))) continue
    return port
  }
}

/** The base URL of a server that does not run. */
async function deadBaseUrl() {
  return `http://127.0.0.1:${await freePort()}/`
}

module.exports = { freePort, isFree, deadBaseUrl }
