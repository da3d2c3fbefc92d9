'use strict'

const assert = require('node:assert/strict')
const { describe, test } = require('node:test')
const { subscribe, unsubscribe } = require('node:diagnostics_channel')
const { HOSTS } = require('../support/adapter-hosts')
const { CONTROL_SECRET, SECRET } = require('../support/environment')
const { eventually } = require('../support/eventually')
const { request } = require('../support/http')
const { challenge, captureConsole, shazbot, start } = require('../support/in-process')
const signing = require('../support/signing')

const OPERATOR = { baseUrl: 'http://127.0.0.1:9/operator/', process: 0x0f_f1_ceen }

const READ_SECRET = 'read-secret-of-the-tests'
const ENV = {
  SHAZBOT_READ_SECRET: ` ${READ_SECRET}\n`,
  SHAZBOT_READ_SECRET_PREVIOUS: 'old-read-secret\nolder-read-secret',
  SHAZBOT_CONTROL_SECRET_PREVIOUS: 'old-control-secret',
}
const OPENING = [READ_SECRET, 'old-read-secret', 'older-read-secret', CONTROL_SECRET, 'old-control-secret']
const CLOSED = [
  '',
  'Bearer',
  'Bearer ',
  SECRET,
  `Bearer ${SECRET}`,
  `Basic ${READ_SECRET}`,
  READ_SECRET.slice(1),
]
const UNAUTHORIZED = { error: 'Unauthorized: Invalid SHAZBOT_READ_SECRET' }

const getStatus = (baseUrl, authorization, { path = 'clustershazbot/status', ...options } = {}) =>
  request(`${baseUrl}${path}`, { headers: authorization && { Authorization: authorization }, ...options })

/** Collects audits until the test ends. */
function audits(t) {
  const published = []
  const add = (message) => published.push(message)
  subscribe('clustershazbot:security', add)
  t.after(() => unsubscribe('clustershazbot:security', add))
  return published
}

for (const [name, host] of Object.entries(HOSTS)) {
  describe(`who may look, with ${name}`, () => {
    test('is decided by the read secret and the control secret', async (t) => {
      await start(t, { env: ENV })
      const baseUrl = await host(t, { watch: true })
      for (const secret of OPENING) {
        for (const header of [secret, `Bearer ${secret}`, `bearer  ${secret}`]) {
          const { status, headers, text, json } = await getStatus(baseUrl, header)
          assert.deepEqual([status, json?.phase], [200, 'running'], `${header}: ${text}`)
          assert.equal(headers['cache-control'], 'no-store')
        }
      }
      const published = audits(t)
      for (const header of CLOSED) {
        const { status, json, headers } = await getStatus(baseUrl, header)
        assert.deepEqual([status, json], [401, UNAUTHORIZED], header)
        assert.equal(headers.connection, 'close')
      }
      assert.deepEqual(published.at(-1), { reason: 'secret', address: '127.0.0.1', route: 'status' })
      assert.equal(published.length, CLOSED.length)
    })

    test('is decided by the option authorize', async (t) => {
      await start(t, { env: ENV })
      const asked = []
      const authorize = async (incoming) => {
        asked.push(incoming)
        const { cookie } = incoming.headers
        if (cookie === 'broken') throw Object.assign(new Error('secret detail'), { status: 200 })
        return cookie === 'truthy' ? 1 : cookie === 'operator'
      }
      const baseUrl = await host(t, { watch: true, authorize })
      const lines = captureConsole(t)
      const answer = (cookie) => getStatus(baseUrl, undefined, { headers: { Cookie: cookie } })
      assert.equal((await answer('operator')).status, 200)
      assert.equal(asked[0].url, '/clustershazbot/status')
      for (const cookie of ['', 'truthy', 'user']) {
        const { status, json } = await answer(cookie)
        assert.deepEqual([status, json], [401, { error: 'Unauthorized' }], cookie)
      }
      for (let count = 0; count < 2; count++) {
        const { status, json } = await answer('broken')
        assert.deepEqual([status, json], [500, { error: 'Internal error' }])
      }
      assert.deepEqual(
        lines.map(({ values }) => values[0]),
        ['Clustershazbot: the option authorize failed:'],
      )
      assert.equal((await getStatus(baseUrl, CONTROL_SECRET)).status, 401, 'it replaces the secrets')
    })

    test('is not asked before the method and the engine are right', async (t) => {
      await start(t, { env: ENV })
      const baseUrl = await host(t, { watch: true, authorize: assert.fail })
      for (const method of ['POST', 'PUT', 'DELETE', 'PATCH']) {
        const { status, headers, json } = await getStatus(baseUrl, '', { method })
        assert.deepEqual([status, headers.allow], [405, 'GET, HEAD'])
        assert.deepEqual(json, { error: 'The method must be GET' })
      }
      await shazbot.shazbotShutDown()
      const { status, json } = await getStatus(baseUrl, READ_SECRET)
      assert.deepEqual([status, json], [503, { error: 'Clustershazbot engine not started' }])
    })

    test('is asked nothing while the option of the route is off', async (t) => {
      await start(t, { env: ENV })
      const baseUrl = await host(t, { health: true, authorize: assert.fail })
      for (const path of ['status', 'watch', 'metrics', 'dashboard', 'dashboard/', 'servers/control']) {
        const answer = await request(`${baseUrl}clustershazbot/${path}`)
        assert.equal(answer.status, 404, path)
      }
    })
  })
}

describe('who may look', () => {
  test('without a read secret: holders of the control secret', async (t) => {
    await start(t)
    const baseUrl = await HOSTS['node:http'](t, { dashboard: true })
    for (const header of ['', 'Bearer ', 'undefined', READ_SECRET])
      assert.equal((await getStatus(baseUrl, header)).status, 401, header)
    assert.equal((await getStatus(baseUrl, CONTROL_SECRET)).status, 200)
  })

  test('a secret that looks like a bearer token is one', async (t) => {
    await start(t, { env: { SHAZBOT_READ_SECRET: 'Bearer of the news' } })
    const baseUrl = await HOSTS['node:http'](t, { watch: true })
    assert.equal((await getStatus(baseUrl, 'Bearer of the news')).status, 200)
    assert.equal((await getStatus(baseUrl, 'Bearer Bearer of the news')).status, 200)
    assert.equal((await getStatus(baseUrl, 'of the news')).status, 401)
  })

  test('a list request that is signed under the control secret, once', async (t) => {
    await start(t, { env: ENV })
    const baseUrl = await HOSTS['node:http'](t, { watch: true })
    const ask = async (secret, proof) => {
      const { header } = signing.signRequest(OPERATOR, proof, proof.sequence, '', secret, 'list')
      return [(await getStatus(baseUrl, header)).status, (await getStatus(baseUrl, header)).status]
    }
    // The keys of the control secret are derived after the start.
    await eventually(async () => String(await ask(CONTROL_SECRET, await challenge())) === '200,401', {
      what: 'the first use of a signature is accepted, and no other',
    })
    assert.deepEqual(await ask(SECRET, await challenge()), [401, 401])
  })

  test('a consent that comes after a shutdown shows nothing', async (t) => {
    await start(t, { env: ENV })
    const consents = []
    const authorize = () => new Promise((resolve) => consents.push(() => resolve(true)))
    const baseUrl = await HOSTS['node:http'](t, { watch: true, metrics: true, authorize })
    const asked = ['status', 'watch', 'metrics'].map((route) =>
      getStatus(baseUrl, '', { path: `clustershazbot/${route}` }),
    )
    await eventually(() => consents.length === 3, { what: 'three questions' })
    await shazbot.shazbotShutDown()
    for (const give of consents) give()
    const statuses = (await Promise.all(asked)).map(({ status }) => status)
    assert.deepEqual(statuses, [503, 503, 503])
  })

  test('failures are limited, and the right secret is not', async (t) => {
    await start(t, { env: ENV })
    const baseUrl = await HOSTS['node:http'](t, { watch: true })
    // As long as they come faster than the limit recovers, on a busy machine too.
    const limited = async () => {
      const { status, headers } = await getStatus(baseUrl, 'wrong')
      return status === 429 && headers
    }
    const headers = await eventually(limited, { every: 0, within: 60_000, what: 'a limit' })
    assert.equal(headers['retry-after'], '1')
    assert.equal((await getStatus(baseUrl, READ_SECRET)).status, 200)
  })

  test('paths may have mounts, final slashes and queries', async (t) => {
    await start(t, { env: ENV })
    const baseUrl = await HOSTS['express 5'](t, { watch: true, path: '/inner' })
    for (const path of ['inner/status', 'inner/status/', 'inner/status?a=b/', 'inner/status/?a'])
      assert.equal((await getStatus(baseUrl, READ_SECRET, { path })).status, 200, path)
    for (const path of ['clustershazbot/status', 'inner/status//', 'status'])
      assert.equal((await getStatus(baseUrl, READ_SECRET, { path })).status, 404, path)
  })

  test('HEAD is answered like GET', async (t) => {
    await start(t, { env: ENV })
    const baseUrl = await HOSTS.fastify(t, { watch: true })
    const { status, text, headers } = await getStatus(baseUrl, READ_SECRET, { method: 'HEAD' })
    assert.deepEqual([status, text], [200, ''])
    assert.ok(Number(headers['content-length']) > 0)
  })
})
