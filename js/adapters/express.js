'use strict'

const { shazbotHandler } = require('./node.js')

/** Middleware for the routes; see `express.d.ts`. */
function shazbotMiddleware(options) {
  return shazbotHandler(options)
}

module.exports = { shazbotMiddleware }
