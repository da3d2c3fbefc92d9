'use strict'

const { readReadiness } = require('../../../health/readiness.js')
const { jsonResponse } = require('../http/http-error.js')

const METHODS = ['GET', 'HEAD']

/**
 * The routes for load balancers and orchestrators, which the option `health` adds. Their 503 is an
 * answer, not a rejection.
 *
 * @type {import('./index.js').Route[]}
 */
const ROUTES = [
  { path: '/ready', methods: METHODS, open: answerReady },
  { path: '/live', methods: METHODS, open: answerLive },
]

function answerReady() {
  const { isReady, phase, online } = readReadiness()
  return isReady ? answerLive() : jsonResponse({ status: 'unavailable', phase, online }, 503)
}

/** A process that can answer is alive. */
function answerLive() {
  const { phase, online } = readReadiness()
  return jsonResponse({ status: 'ok', phase, online })
}

module.exports = { ROUTES }
