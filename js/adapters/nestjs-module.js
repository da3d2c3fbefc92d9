'use strict'

const { shazbotShutDown, shazbotStart } = require('../index.js')
const { shazbotMiddleware } = require('./express.js')
const { shazbotPlugin } = require('./fastify.js')
const { routesOptions } = require('./core/options.js')

/**
 * Returns the module for the Nest of this `HttpAdapterHost`. It uses no decorators and nothing else
 * of Nest.
 *
 * @param {Function} HttpAdapterHost
 */
function moduleFor(HttpAdapterHost) {
  // biome-ignore lint/complexity/noStaticOnlyClass: modules of Nest are classes
  return class ClustershazbotModule {
    static forRoot(options) {
      // An invalid option throws here, at the caller.
      routesOptions(options)
      const provider = {
        provide: Symbol.for('clustershazbot'),
        useFactory: ({ httpAdapter }) => new EngineHooks(httpAdapter, options),
        inject: [HttpAdapterHost],
      }
      return { module: ClustershazbotModule, providers: [provider] }
    }
  }
}

class EngineHooks {
  /** Nest creates providers before it installs its body parsers, so these routes come first. */
  constructor(httpAdapter, options) {
    // An application context without HTTP has no adapter.
    const application = httpAdapter?.getInstance?.()
    if (httpAdapter?.getType?.() === 'fastify') application.register(shazbotPlugin, options)
    else application?.use?.(shazbotMiddleware(options))
  }

  async onModuleInit() {
    await shazbotStart()
  }

  async onModuleDestroy() {
    await shazbotShutDown()
  }
}

module.exports = { moduleFor }
