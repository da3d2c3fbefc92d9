'use strict'

const { shazbotHandler } = require('./node.js')
const { PATH } = require('./routes.js')

/** A plugin for the three routes; see `fastify.d.ts`. */
function shazbotPlugin(fastify, { path = PATH, limit } = {}, done) {
  const handle = shazbotHandler({ path: fastify.prefix + path, limit })
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
