'use strict'

const { readStatus } = require('../events/report.js')

/**
 * Returns whether this server is ready, and why. What other servers do never makes it unready:
 * otherwise one fault would take all servers out of the load balancer.
 */
function readReadiness() {
  const { phase, online } = readStatus()
  return { isReady: phase === 'running', phase, online }
}

module.exports = { readReadiness }
