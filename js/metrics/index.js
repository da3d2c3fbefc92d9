'use strict'

const { metricsText } = require('./text.js')

/** Returns all metrics in the text format of Prometheus; see `index.d.ts`. */
function shazbotMetrics() {
  return metricsText()
}

module.exports = { shazbotMetrics }
