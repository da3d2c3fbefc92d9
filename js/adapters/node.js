'use strict'

const { handlerOf } = require('./core/handler.js')
const { routesOptions } = require('./core/options.js')

/** A handler for the routes; see `node.d.ts`. */
function shazbotHandler(options) {
  return handlerOf(routesOptions(options))
}

module.exports = { shazbotHandler }
