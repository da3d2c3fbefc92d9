'use strict'

const addon = require('../engine/addon.js')
const { withPublicErrors } = require('../engine/errors.js')
const { requireRunning } = require('../engine/lifecycle.js')
const { readReadiness } = require('./readiness.js')

const control = withPublicErrors(addon.control)

/** Returns whether this server is ready for requests; see `index.d.ts`. */
function shazbotReady() {
  return readReadiness().isReady
}

/** Takes this server offline; see `index.d.ts`. */
function shazbotDrain() {
  requireRunning()
  control(false)
}

/** Brings this server back; see `index.d.ts`. */
function shazbotResume() {
  requireRunning()
  control(true)
}

module.exports = { shazbotReady, shazbotDrain, shazbotResume }
