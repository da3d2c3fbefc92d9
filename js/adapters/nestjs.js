'use strict'

const { HttpAdapterHost } = require('@nestjs/core')
const { moduleFor } = require('./nestjs-module.js')
const { ClustershazbotService } = require('./nestjs-service.js')

/** The routes, the life cycle of the engine and its functions, for Nest; see `nestjs.d.ts`. */
const ClustershazbotModule = moduleFor(HttpAdapterHost)

module.exports = { ClustershazbotModule, ClustershazbotService }
