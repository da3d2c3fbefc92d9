'use strict'

const http = require('node:http')
const { createRequire } = require('node:module')
const path = require('node:path')
const { shazbotMiddleware } = require('clustershazbot/express')
const { shazbotPlugin } = require('clustershazbot/fastify')
const { shazbotHandler } = require('clustershazbot/node')
const { moduleFor } = require('../../js/adapters/nestjs-module')

const from = (app) => createRequire(path.join(__dirname, '..', 'apps', app, 'package.json'))

/**
 * All frameworks with an adapter. Each function mounts the routes of this process's engine before a
 * body parser, and resolves with the base URL. The server ends with the test.
 *
 * @type {Record<string, (t: import('node:test').TestContext, options?: object) => Promise<string>>}
 */
const HOSTS = {
  'node:http': (t, options) => listen(t, http.createServer(shazbotHandler(options))),
  connect: (t, options) =>
    listen(t, http.createServer(from('adapters')('connect')().use(shazbotMiddleware(options)))),
  'express 4': (t, options) => express(t, 'express4', options),
  'express 5': (t, options) => express(t, 'express5', options),
  fastify: async (t, options) => {
    const app = from('adapters')('fastify')()
    app.register(shazbotPlugin, options)
    t.after(() => app.close())
    return `${await app.listen({ port: 0, host: '127.0.0.1' })}/`
  },
  'nest 11': (t, options) => nest(t, from('nest11'), undefined, options),
  'nest 12': (t, options) => nest(t, from('nest12'), undefined, options),
  'nest 12 on fastify': (t, options) => {
    const { FastifyAdapter } = from('adapters')('@nestjs/platform-fastify')
    return nest(t, from('adapters'), new FastifyAdapter(), options)
  },
}

function express(t, workspace, options) {
  const create = from(workspace)('express')
  return listen(t, http.createServer(create().use(shazbotMiddleware(options)).use(create.json())))
}

async function nest(t, require_, adapter, options) {
  const { NestFactory, HttpAdapterHost } = require_('@nestjs/core')
  const module = moduleFor(HttpAdapterHost).forRoot(options)
  const app = await NestFactory.create(module, ...[adapter ?? []].flat(), { logger: false })
  t.after(() => app.close())
  await app.listen(0, '127.0.0.1')
  return `http://127.0.0.1:${app.getHttpServer().address().port}/`
}

/** Makes a server listen until the test ends; resolves with its base URL. */
async function listen(t, server) {
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve))
  t.after(() => {
    server.close()
    server.closeAllConnections()
  })
  return `http://127.0.0.1:${server.address().port}/`
}

module.exports = { HOSTS, from, listen }
