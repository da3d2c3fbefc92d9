'use strict'

/**
 * The functions of the subpaths for injection; see `nestjs.d.ts`. A subpath is loaded by its first
 * use.
 */
class ClustershazbotService {
  get events() {
    return require('../events/index.js').shazbotEvents
  }

  watch(options) {
    return require('../events/index.js').shazbotWatch(options)
  }

  status() {
    return require('../events/index.js').shazbotStatus()
  }

  settled(options) {
    return require('../events/index.js').shazbotSettled(options)
  }

  owner(key) {
    return require('../owners/index.js').shazbotOwner(key)
  }

  owners(key, count) {
    return require('../owners/index.js').shazbotOwners(key, count)
  }

  owns(key) {
    return require('../owners/index.js').shazbotOwns(key)
  }

  runOnce(key, run, options) {
    return require('../owners/index.js').shazbotRunOnce(key, run, options)
  }

  ready() {
    return require('../health/index.js').shazbotReady()
  }

  drain() {
    require('../health/index.js').shazbotDrain()
  }

  resume() {
    require('../health/index.js').shazbotResume()
  }
}

module.exports = { ClustershazbotService }
