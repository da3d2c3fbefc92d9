'use strict'

const assert = require('node:assert/strict')
const { describe, test } = require('node:test')
const { HOSTS } = require('../support/adapter-hosts')
const { SECRET } = require('../support/environment')
const { getList, postDrain, postReturn, request } = require('../support/http')
const { start } = require('../support/in-process')
const { readMetrics } = require('../support/metrics')

const READ_SECRET = 'read-secret-of-the-tests'
const ENV = { SHAZBOT_READ_SECRET: READ_SECRET }

const getMetrics = (baseUrl, authorization, options) =>
  request(`${baseUrl}clustershazbot/metrics`, { headers: { Authorization: authorization }, ...options })

for (const [name, host] of Object.entries(HOSTS)) {
  test(`metrics are shown to those who may look, with ${name}`, async (t) => {
    await start(t, { env: ENV })
    const baseUrl = await host(t, { metrics: true })
    const { status, headers, text } = await getMetrics(baseUrl, `Bearer ${READ_SECRET}`)
    assert.equal(status, 200)
    assert.equal(headers['content-type'], 'text/plain; version=0.0.4; charset=utf-8')
    assert.equal(headers['cache-control'], 'no-store')
    assert.equal(readMetrics(text).of('members{state="online"}'), 1)
    const head = await getMetrics(baseUrl, READ_SECRET, { method: 'HEAD' })
    assert.deepEqual([head.status, head.text], [200, ''])
    assert.equal((await getMetrics(baseUrl, SECRET)).status, 401)
    assert.equal((await getMetrics(baseUrl, READ_SECRET, { method: 'POST' })).status, 405)
  })
}

describe('the metrics of received requests', () => {
  test('have the routes of the adapters', async (t) => {
    await start(t, { env: ENV })
    const baseUrl = await HOSTS['node:http'](t, { metrics: true, health: true })
    const received = async (route, outcome) => {
      const { text } = await getMetrics(baseUrl, READ_SECRET)
      return readMetrics(text).sum('received_requests_total', { route, outcome })
    }
    for (const [route, outcome, send] of [
      ['list', 'ok', () => getList(baseUrl, '')],
      ['metrics', 'secret', () => getMetrics(baseUrl, 'wrong')],
      ['metrics', 'method', () => getMetrics(baseUrl, READ_SECRET, { method: 'PUT' })],
    ]) {
      const before = await received(route, outcome)
      await send()
      assert.equal(await received(route, outcome), before + 1, `${route} ${outcome}`)
    }
    const before = await received('control', 'ok')
    await postDrain(baseUrl)
    await postReturn(baseUrl)
    assert.equal(await received('control', 'ok'), before + 2)
    const own = await received('metrics', 'ok')
    assert.equal(await received('metrics', 'ok'), own + 1)
    assert.equal(await received('ready', 'ok'), 0, 'probes are not counted')
  })
})
