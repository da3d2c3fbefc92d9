'use strict'

const { createServer } = require('node:net')

// Below the range of ephemeral ports, so that no outgoing connection or other test's server takes a
// port that should be free. Each process has its own range, as test files run concurrently.
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

/**
 * Returns a loopback port on which nothing listens, for servers that are named before they listen,
 * and for dead ones.
 */
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
