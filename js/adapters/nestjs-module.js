'use strict'

const { shazbotShutDown, shazbotStart } = require('../index.js')
const { shazbotMiddleware } = require('./express.js')
const { shazbotPlugin } = require('./fastify.js')
const { asyncOptions, rootOptions } = require('./nestjs-options.js')
const { ClustershazbotService } = require('./nestjs-service.js')

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
      const { global, routes } = rootOptions(options)
      const useFactory = ({ httpAdapter }) => new EngineHooks(httpAdapter, routes)
      return ClustershazbotModule.#create({ global, imports: [], inject: [], useFactory })
    }

    static forRootAsync(options) {
      const { global, imports, inject, useFactory: routesFrom } = asyncOptions(options)
      const useFactory = async ({ httpAdapter }, ...injected) =>
        new EngineHooks(httpAdapter, await routesFrom(...injected))
      return ClustershazbotModule.#create({ global, imports, inject, useFactory })
    }

    static #create({ global, imports, inject, useFactory }) {
      return {
        module: ClustershazbotModule,
        imports: [...imports, serviceModule(global)],
        providers: [
          { provide: Symbol.for('clustershazbot'), useFactory, inject: [HttpAdapterHost, ...inject] },
        ],
        exports: [ClustershazbotServiceModule],
      }
    }
  }
}

/**
 * The module of the service. Only this one is global: Nest starts global modules first and ends
 * them last, but this server should leave before the modules end that its requests need.
 */
class ClustershazbotServiceModule {}

function serviceModule(global) {
  return {
    module: ClustershazbotServiceModule,
    global,
    providers: [ClustershazbotService],
    exports: [ClustershazbotService],
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
