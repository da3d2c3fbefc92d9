'use strict'

const addon = require('../../../engine/addon.js')
const { answerServersControl } = require('./servers-control.js')
const { answerStatus } = require('./status.js')
const { answerWatch } = require('./watch.js')

const METHODS = ['GET', 'HEAD']

/**
 * The routes with which operators see and control a cluster, which the option `watch` adds.
 *
 * @type {import('./index.js').Route[]}
 */
const ROUTES = [
  { path: '/status', methods: METHODS, show: answerStatus },
  { path: '/watch', methods: METHODS, show: answerWatch },
  {
    path: '/servers/control',
    methods: ['POST'],
    authorize: addon.authorizeBearerControl,
    respond: answerServersControl,
  },
]

module.exports = { ROUTES }
