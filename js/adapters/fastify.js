'use strict'

const { handlerOf } = require('./core/handler.js')
const { routesOptions } = require('./core/options.js')

/** A plugin for the routes; see `fastify.d.ts`. */
function shazbotPlugin(fastify, options, done) {
  let valid
  try {
    valid = routesOptions(options)
  } catch (error) {
    // Fastify treats an exception in a plugin as an uncaught one, which ends the process.
    return done(error)
  }
  const { path } = valid
  const handle = handlerOf({ ...valid, path: fastify.prefix + path })
  // Runs before Fastify reads the body.
  const onRequest = (request, reply) => {
    reply.hijack()
    handle(request.raw, reply.raw, undefined, request)
  }
  fastify.all(`${path}/*`, { onRequest }, () => {})
  done()
}

shazbotPlugin[Symbol.for('fastify.display-name')] = 'clustershazbot'

module.exports = { shazbotPlugin }
