'use strict'

const { readReadiness } = require('../health/readiness.js')

/**
 * A health indicator for `@nestjs/terminus`; see `nestjs-terminus.d.ts`. It needs nothing of that
 * package, which accepts plain results.
 */
class ClustershazbotHealthIndicator {
  isHealthy(key = 'clustershazbot') {
    const { isReady, phase, online } = readReadiness()
    return { [key]: { status: isReady ? 'up' : 'down', phase, online } }
  }
}

module.exports = { ClustershazbotHealthIndicator }
