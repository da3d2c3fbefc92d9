'use strict'

const { HttpAdapterHost } = require('@nestjs/core')
const { moduleFor } = require('./nestjs-module.js')

/** The three routes and the life cycle of the engine, for Nest; see `nestjs.d.ts`. */
const ClustershazbotModule = moduleFor(HttpAdapterHost)

module.exports = { ClustershazbotModule }
