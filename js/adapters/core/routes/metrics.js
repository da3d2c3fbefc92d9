'use strict'

const { requireRunning } = require('../../../engine/lifecycle.js')
const { shazbotMetrics } = require('../../../metrics/index.js')

const HEADERS = { 'Content-Type': 'text/plain; version=0.0.4; charset=utf-8' }

/**
 * The route for Prometheus, which the option `metrics` adds.
 *
 * @type {import('./index.js').Route[]}
 */
const ROUTES = [{ path: '/metrics', methods: ['GET', 'HEAD'], show: answerMetrics }]

function answerMetrics() {
  // The engine may have ended while the program's `authorize` took its time.
  requireRunning()
  return { status: 200, parts: [Buffer.from(shazbotMetrics())], headers: HEADERS }
}

module.exports = { ROUTES }
