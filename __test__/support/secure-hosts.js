'use strict'

const http2 = require('node:http2')
const https = require('node:https')
const { shazbotMiddleware } = require('clustershazbot/express')
const { shazbotPlugin } = require('clustershazbot/fastify')
const { shazbotHandler } = require('clustershazbot/node')
const { moduleFor } = require('../../js/adapters/nestjs-module')
const { from } = require('./adapter-hosts')

/**
 * The adapters over TLS, by the name of their host. Each function mounts the routes of this
 * process's engine, and resolves with the port on loopback. The server ends with the test.
 *
 * @type {Record<string, (t: object, options: object, secure: object) => Promise<number>>}
 */
const SECURE_HOSTS = {
  'node:https': (t, options, secure) => listen(t, https.createServer(secure, shazbotHandler(options))),
  'node:http2': (t, options, secure) => {
    const server = http2.createSecureServer({ ...secure, allowHTTP1: true }, shazbotHandler(options))
    return listen(t, server)
  },
  'express behind a body parser': (t, options, secure) => {
    const create = from('express5')('express')
    return listen(t, https.createServer(secure, create().use(create.json()).use(shazbotMiddleware(options))))
  },
  fastify: async (t, options, secure) => {
    const app = from('adapters')('fastify')({ https: secure })
    app.register(shazbotPlugin, options)
    t.after(() => app.close())
    await app.listen({ port: 0, host: '127.0.0.1' })
    return app.server.address().port
  },
  nest: async (t, options, secure) => {
    const { NestFactory, HttpAdapterHost } = from('nest12')('@nestjs/core')
    const module = moduleFor(HttpAdapterHost).forRoot(options)
    const app = await NestFactory.create(module, { httpsOptions: secure, logger: false })
    t.after(() => app.close())
    await app.listen(0, '127.0.0.1')
    return app.getHttpServer().address().port
  },
}

async function listen(t, server) {
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve))
  t.after(() => {
    server.close()
    server.closeAllConnections?.()
  })
  return server.address().port
}

module.exports = { SECURE_HOSTS }
