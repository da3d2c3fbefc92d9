'use strict'

const { shazbotShutDown, shazbotStart } = require('../index.js')
const { shazbotMiddleware } = require('./express.js')
const { shazbotPlugin } = require('./fastify.js')
const { routesOptions } = require('./core/options.js')

/**
 * The module for the Nest whose `HttpAdapterHost` this is. It needs no decorators, and so no more of Nest than that.
 *
 * @param {Function} HttpAdapterHost
 */
function moduleFor(HttpAdapterHost) {
  // biome-ignore lint/complexity/noStaticOnlyClass: modules of Nest are classes
  return class ClustershazbotModule {
    static forRoot(options) {
      // An invalid option is an error where it stands.
      routesOptions(options)
      const provider = {
        provide: Symbol.for('clustershazbot'),
        useFactory: ({ httpAdapter }) => new Life(httpAdapter, options),
        inject: [HttpAdapterHost],
      }
      return { module: ClustershazbotModule, providers: [provider] }
    }
  }
}

class Life {
  /** Nest makes its providers before it puts its body parsers before the routes, so that these routes come first. */
  constructor(httpAdapter, options) {
    // An application context without HTTP has none.
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
