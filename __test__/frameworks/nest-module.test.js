'use strict'

const assert = require('node:assert/strict')
const { describe, test } = require('node:test')
const { setTimeout: pause } = require('node:timers/promises')
const { ClustershazbotService } = require('clustershazbot/nestjs')
const { ClustershazbotHealthIndicator } = require('clustershazbot/nestjs-terminus')
const { moduleFor } = require('../../js/adapters/nestjs-module')
const { from } = require('../support/adapter-hosts')
const { SECRET } = require('../support/environment')
const { request } = require('../support/http')
const { BASE_URL, captureConsole, prepare } = require('../support/in-process')

/** The Nest applications: the packages of Nest, and the HTTP adapter unless it is Express. */
const NESTS = {
  'nest 11': { packages: from('nest11') },
  'nest 12': { packages: from('nest12') },
  'nest 12 on fastify': {
    packages: from('adapters'),
    adapter: () => new (from('adapters')('@nestjs/platform-fastify').FastifyAdapter)(),
  },
}

/** Longer than the 100 kB that the body parser of Express accepts. */
const LONG_BODY = JSON.stringify({ message: 'gossip', online: [], padding: 'x'.repeat(200_000) })

/** Creates an application of these modules, which ends with the test. */
async function create(t, { packages, adapter }, imports, providers = []) {
  await prepare(t)
  captureConsole(t)
  const { NestFactory } = packages('@nestjs/core')
  const root = { module: class Root {}, imports, providers }
  const options = { logger: false, abortOnError: false }
  const app = await NestFactory.create(root, ...(adapter ? [adapter()] : []), options)
  t.after(() => app.close())
  return app
}

async function listen(app) {
  await app.listen(0, '127.0.0.1')
  return `http://127.0.0.1:${app.getHttpServer().address().port}/`
}

/** A module whose factory provider gets the service injected; it exports that as `token`. */
const userModule = (token, imports = []) => ({
  module: class UserModule {},
  imports,
  providers: [{ provide: token, useFactory: (service) => service, inject: [ClustershazbotService] }],
})

const settings = { module: class Settings {}, providers: [], exports: ['limit'] }
settings.providers.push({ provide: 'limit', useValue: 150_000 })

for (const [name, nest] of Object.entries(NESTS)) {
  const { HttpAdapterHost } = nest.packages('@nestjs/core')
  const ClustershazbotModule = moduleFor(HttpAdapterHost)

  describe(`the module with ${name}`, () => {
    test('mounts its routes before body parsers, after a factory that takes a second', async (t) => {
      const module = ClustershazbotModule.forRootAsync({
        useFactory: async () => {
          await pause(1_000)
          return { health: true }
        },
      })
      const baseUrl = await listen(await create(t, nest, [module]))
      const headers = { 'Content-Type': 'application/json', Authorization: SECRET }
      const url = `${baseUrl}clustershazbot/gossip`
      const long = await request(url, { method: 'POST', headers, body: LONG_BODY })
      assert.equal(long.status, 200, long.text)
      const malformed = await request(url, { method: 'POST', headers, body: '{"online":[' })
      assert.deepEqual(malformed.json, { error: 'Invalid gossip message: no JSON' })
      const ready = await request(`${baseUrl}clustershazbot/ready`)
      assert.deepEqual(ready.json, { status: 'ok', phase: 'running', online: 1 })
      assert.equal((await request(`${baseUrl}nowhere`)).status, 404)
    })

    test('passes the factory what it injects, from the imported modules', async (t) => {
      const module = ClustershazbotModule.forRootAsync({
        imports: [settings],
        inject: ['limit', { token: 'nothing', optional: true }],
        useFactory: (limit, nothing) => ({ limit, health: nothing === undefined }),
      })
      const baseUrl = await listen(await create(t, nest, [module]))
      const headers = { 'Content-Type': 'application/json', Authorization: SECRET }
      const url = `${baseUrl}clustershazbot/gossip`
      const { status, json } = await request(url, { method: 'POST', headers, body: LONG_BODY })
      assert.deepEqual([status, json], [413, { error: 'The body must have at most 150000 bytes' }])
      assert.equal((await request(`${baseUrl}clustershazbot/live`)).status, 200)
    })

    test('provides the service everywhere, or only where it is imported', async (t) => {
      for (const create_ of [
        (options) => ClustershazbotModule.forRoot(options),
        (options) => ClustershazbotModule.forRootAsync({ ...options, useFactory: () => ({}) }),
      ]) {
        const everywhere = await create(t, nest, [create_(), userModule('user')])
        assert.ok(everywhere.get('user', { strict: false }) instanceof ClustershazbotService)
        const local = create_({ global: false })
        const importing = await create(t, nest, [local, userModule('user', [local])])
        assert.ok(importing.get('user', { strict: false }) instanceof ClustershazbotService)
        const alone = create(t, nest, [create_({ global: false }), userModule('user')])
        await assert.rejects(alone, /ClustershazbotService/)
      }
    })

    test('starts after the modules imported before it, and leaves before they end', async (t) => {
      const phases = []
      class Database {
        constructor(service) {
          this.service = service
        }

        onModuleInit() {
          phases.push(this.service.status().phase)
        }

        onModuleDestroy() {
          phases.push(this.service.status().phase)
        }
      }
      const database = {
        module: class DatabaseModule {},
        providers: [
          {
            provide: Database,
            useFactory: (service) => new Database(service),
            inject: [ClustershazbotService],
          },
        ],
      }
      const app = await create(t, nest, [database, ClustershazbotModule.forRoot()])
      await app.init()
      assert.equal(app.get(ClustershazbotService, { strict: false }).status().phase, 'running')
      await app.close()
      assert.deepEqual(phases, ['stopped', 'stopped'])
    })

    test('rejects invalid options of a factory when the application is created', async (t) => {
      for (const [options, message] of [
        [{ limit: 'much' }, /option limit must be/],
        [null, /options must be an object/],
        [{ health: 'yes' }, /option health must be/],
      ]) {
        const module = ClustershazbotModule.forRootAsync({ useFactory: async () => options })
        await assert.rejects(create(t, nest, [module]), message)
      }
      const failing = ClustershazbotModule.forRootAsync({
        useFactory: () => Promise.reject(new Error('no DB')),
      })
      await assert.rejects(create(t, nest, [failing]), /no DB/)
    })
  })
}

test('an invalid option of the module is named at its caller', () => {
  const { forRoot, forRootAsync } = moduleFor(class HttpAdapterHost {})
  const useFactory = () => ({})
  for (const [call, message] of [
    [() => forRoot({ global: 'yes' }), /option global must be true or false, not "yes"/],
    [() => forRoot(null), /options must be an object, not null/],
    [() => forRootAsync(), /options must be an object with useFactory, not undefined/],
    [() => forRootAsync({}), /option useFactory must be a function, not undefined/],
    [() => forRootAsync({ useFactory: {} }), /option useFactory must be a function, not an object/],
    [() => forRootAsync({ useFactory, global: 1 }), /option global/],
    [() => forRootAsync({ useFactory, inject: 'limit' }), /option inject must be an array, not "limit"/],
    [() => forRootAsync({ useFactory, imports: settings }), /option imports must be an array, not an object/],
  ])
    assert.throws(call, (error) => error instanceof TypeError && message.test(error.message))
})

describe('the service', () => {
  test('has the functions of the subpaths as methods', async (t) => {
    const ClustershazbotModule = moduleFor(NESTS['nest 12'].packages('@nestjs/core').HttpAdapterHost)
    const app = await create(t, NESTS['nest 12'], [ClustershazbotModule.forRoot()])
    const service = app.get(ClustershazbotService, { strict: false })
    const told = []
    service.events.on('leave', ({ server }) => told.push(server.baseUrl))
    t.after(() => service.events.removeAllListeners())
    assert.equal(service.status().phase, 'stopped')
    assert.equal(service.ready(), false)
    await app.init()
    assert.equal((await service.settled({ quiet: 0 })).phase, 'running')
    assert.equal(service.ready(), true)
    for await (const { snapshot, online } of service.watch()) {
      assert.deepEqual([snapshot, online], [true, 1])
      break
    }
    assert.equal(service.owner('key').baseUrl, BASE_URL)
    assert.deepEqual(
      service.owners('key', 2).map(({ baseUrl }) => baseUrl),
      [BASE_URL],
    )
    assert.equal(service.owns('key'), true)
    const ran = await service.runOnce('key', (signal) => signal.aborted, { quiet: 0 })
    assert.deepEqual(ran, { ran: true, value: false })
    service.drain()
    assert.equal(service.status().phase, 'drained')
    assert.equal(service.ready(), false)
    service.resume()
    assert.equal(service.ready(), true)
    await app.close()
    assert.deepEqual(new Set(told), new Set([BASE_URL]))
    assert.throws(() => service.drain(), { code: 'SHAZBOT_NOT_STARTED' })
  })
})

for (const name of ['nest 11', 'nest 12']) {
  test(`the health indicator with the Terminus of ${name}`, async (t) => {
    const { packages } = NESTS[name]
    const { HealthCheckService, TerminusModule } = packages('@nestjs/terminus')
    const ClustershazbotModule = moduleFor(packages('@nestjs/core').HttpAdapterHost)
    const imports = [ClustershazbotModule.forRoot(), TerminusModule.forRoot({ logger: false })]
    const app = await create(t, NESTS[name], imports, [ClustershazbotHealthIndicator])
    const [indicator, health] = [app.get(ClustershazbotHealthIndicator), app.get(HealthCheckService)]
    const check = () => health.check([() => indicator.isHealthy()]).catch((error) => error.getResponse())
    const down = (phase, online) => ({ clustershazbot: { status: 'down', phase, online } })

    const before = await check()
    assert.deepEqual([before.status, before.error], ['error', down('stopped', 0)])
    await app.init()
    const { status, info } = await check()
    assert.deepEqual(
      [status, info],
      ['ok', { clustershazbot: { status: 'up', phase: 'running', online: 1 } }],
    )
    app.get(ClustershazbotService, { strict: false }).drain()
    const drained = await check()
    assert.deepEqual([drained.status, drained.error], ['error', down('drained', 0)])
    assert.deepEqual(Object.keys(indicator.isHealthy('cluster')), ['cluster'])
  })
}
