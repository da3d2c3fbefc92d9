'use strict'

const { readStatus } = require('../../../events/report.js')
const { jsonResponse } = require('../http/http-error.js')

/**
 * The routes with which operators see a cluster, which the option `watch` adds.
 *
 * @type {import('./index.js').Route[]}
 */
const ROUTES = [{ path: '/status', methods: ['GET', 'HEAD'], show: () => jsonResponse(readStatus()) }]

module.exports = { ROUTES }
