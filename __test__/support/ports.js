'use strict'

const { createServer } = require('node:net')

// Below the range from which the system takes ports for outgoing connections, so that none of these takes ours.
const FIRST = 12_000
const LAST = 32_000

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
    const port = FIRST + Math.floor(Math.random() * (LAST - FIRST))
    if (handedOut.has(port) || !(await isFree(port, host))) continue
    handedOut.add(port)
    return port
  }
}

/** The base URL of a server that does not run. */
async function deadBaseUrl() {
  return `http://127.0.0.1:${await freePort()}/`
}

module.exports = { freePort, isFree, deadBaseUrl }
