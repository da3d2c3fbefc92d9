'use strict'

const { handlerOf } = require('./core/handler.js')
const { routesOptions } = require('./core/options.js')

/** A plugin for the three routes; see `fastify.d.ts`. */
function shazbotPlugin(fastify, options, done) {
  let checked
  try {
    checked = routesOptions(options)
  } catch (error) {
    // Fastify takes what a plugin throws for an error of nobody, which ends the process.
    return done(error)
  }
  const { path, limit } = checked
  const handle = handlerOf({ path: fastify.prefix + path, limit })
  // Before Fastify would read the body.
  const onRequest = (request, reply) => {
    reply.hijack()
    handle(request.raw, reply.raw)
  }
  fastify.all(`${path}/*`, { onRequest }, () => {})
  done()
}

shazbotPlugin[Symbol.for('fastify.display-name')] = 'clustershazbot'

module.exports = { shazbotPlugin }
