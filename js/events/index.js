'use strict'

const { shazbotEvents } = require('./emitter.js')
const { readStatus } = require('./report.js')
const { shazbotSettled } = require('./settled.js')
const { shazbotWatch } = require('./watch.js')

/** Returns the state of this server; see `index.d.ts`. */
function shazbotStatus() {
  return readStatus()
}

module.exports = { shazbotEvents, shazbotWatch, shazbotStatus, shazbotSettled }
