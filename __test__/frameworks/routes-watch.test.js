'use strict'

const assert = require('node:assert/strict')
const { subscribe, unsubscribe } = require('node:diagnostics_channel')
const { describe, test } = require('node:test')
const { HOSTS } = require('../support/adapter-hosts')
const { aWhileAgo, entry } = require('../support/entries')
const { SECRET } = require('../support/environment')
const { eventually } = require('../support/eventually')
const { request } = require('../support/http')
const { BASE_URL, bringBack, drain, gossip, shazbot, start } = require('../support/in-process')
const { openStream } = require('../support/watch-stream')

const READ_SECRET = 'read-secret-of-the-tests'
const ENV = { SHAZBOT_READ_SECRET: READ_SECRET }
const OPTIONS = { watch: true }
const HEADERS = { Authorization: `Bearer ${READ_SECRET}` }
const OTHER = 'http://127.0.0.1:9/other/'

const watchUrl = (baseUrl, query = '') => `${baseUrl}clustershazbot/watch${query}`
const watch = (t, baseUrl, { query, ...headers } = {}) =>
  openStream(t, watchUrl(baseUrl, query), { ...HEADERS, ...headers })
const learn = (baseUrl) => gossip({ online: [entry(baseUrl, aWhileAgo())] })

/** Resolves once a stream has told the present. */
const begun = (stream) => stream.until((events) => events.some(({ event }) => event === 'status'), 'a status')

for (const [name, host] of Object.entries(HOSTS)) {
  describe(`a stream with ${name}`, () => {
    test('begins with all servers, and goes on with what changes', async (t) => {
      await start(t, { env: ENV })
      const baseUrl = await host(t, OPTIONS)
      // Late, because nobody listens there, which this server finds soon.
      await learn(OTHER)
      const stream = await watch(t, baseUrl)
      assert.equal(stream.status, 200)
      const { date: _, ...headers } = stream.headers
      const expected = {
        'content-type': 'text/event-stream',
        'cache-control': 'no-store, no-transform',
        'x-accel-buffering': 'no',
        connection: 'close',
        'transfer-encoding': 'chunked',
      }
      for (const [header, value] of Object.entries(expected)) assert.equal(headers[header], value)
      await begun(stream)
      const [snapshot, status] = stream.events
      assert.deepEqual([snapshot.event, status.event], ['snapshot', 'status'])
      assert.deepEqual(
        snapshot.data.news.map(({ server, type, self }) => [server.baseUrl, type, self]),
        [
          [BASE_URL, 'up', true],
          [OTHER, 'up', false],
        ],
      )
      assert.deepEqual([snapshot.data.snapshot, snapshot.data.online], [true, 2])
      assert.match(snapshot.id, new RegExp(`^[0-9a-f]{16}-${snapshot.data.view}$`))
      assert.deepEqual([status.data.phase, status.data.online, status.id], ['running', 2, snapshot.id])

      await drain()
      await stream.until((events) => events.length === 4, 'the drain')
      const [, , change, drained] = stream.events
      assert.deepEqual([change.event, change.data.news.length, change.data.snapshot], ['change', 1, false])
      assert.equal(change.data.news[0].cause, 'control')
      assert.equal(change.id, `${snapshot.id.split('-')[0]}-${change.data.view}`)
      assert.deepEqual([drained.event, drained.data.phase], ['status', 'drained'])
    })

    test('goes on after the last event that a reader has received', async (t) => {
      await start(t, { env: ENV })
      const baseUrl = await host(t, OPTIONS)
      const first = await watch(t, baseUrl)
      await begun(first)
      first.destroy()
      const [{ id }] = first.events
      await drain()
      await bringBack()
      for (const where of [{ 'Last-Event-ID': id, query: '?since=garbage' }, { query: `?since=${id}` }]) {
        const next = await watch(t, baseUrl, where)
        await begun(next)
        assert.deepEqual(
          next.events.map(({ event }) => event),
          ['change', 'status'],
        )
        assert.deepEqual(
          next.events[0].data.news.map(({ type }) => type),
          ['leave', 'up'],
        )
        const last = await watch(t, baseUrl, { 'Last-Event-ID': next.events[0].id })
        await begun(last)
        assert.deepEqual(
          last.events.map(({ event }) => event),
          ['status'],
        )
      }
    })

    test('begins anew for readers whose last event is unknown', async (t) => {
      await start(t, { env: ENV })
      const baseUrl = await host(t, OPTIONS)
      const first = await watch(t, baseUrl)
      await begun(first)
      const [engine, view] = first.events[0].id.split('-')
      const ids = [
        '',
        'garbage',
        `${engine}-`,
        `${engine}--1`,
        `${engine}-1e9`,
        `${engine}-${Number(view) + 1}`,
      ]
      ids.push(
        `${engine}-${'9'.repeat(400)}`,
        `0000000000000000-${view}`,
        `${engine}-${view}%0Aid: 1`,
        '%ff%00',
      )
      for (const id of ids) {
        const next = await watch(t, baseUrl, { query: `?since=${id}` })
        await begun(next)
        assert.equal(next.events[0].event, 'snapshot', id)
        next.destroy()
      }
    })

    test('ends with a shutdown, before that resolves', async (t) => {
      await start(t, { env: ENV })
      const baseUrl = await host(t, OPTIONS)
      const streams = await Promise.all([1, 2, 3].map(() => watch(t, baseUrl)))
      await Promise.all(streams.map(begun))
      await shazbot.shazbotShutDown()
      await eventually(() => streams.every(({ hasEnded }) => hasEnded), { within: 1_000, what: 'their end' })
      for (const { events } of streams) {
        assert.deepEqual(events.at(-1).event, 'end')
        assert.deepEqual(events.at(-1).data, { reason: 'shutdown' })
        assert.ok(events.some(({ event, data }) => event === 'change' && data.news.at(-1).type === 'leave'))
      }
      const { status, json } = await request(watchUrl(baseUrl), { headers: HEADERS })
      assert.deepEqual([status, json], [503, { error: 'Clustershazbot engine not started' }])
    })

    test('is refused like other routes', async (t) => {
      await start(t, { env: ENV })
      const baseUrl = await host(t, OPTIONS)
      for (const header of ['', SECRET]) {
        const { status, json } = await request(watchUrl(baseUrl), { headers: { Authorization: header } })
        assert.deepEqual([status, json], [401, { error: 'Unauthorized: Invalid SHAZBOT_READ_SECRET' }])
      }
      const posted = await request(watchUrl(baseUrl), { method: 'POST', headers: HEADERS })
      assert.deepEqual([posted.status, posted.headers.allow], [405, 'GET, HEAD'])
      const head = await request(watchUrl(baseUrl), { method: 'HEAD', headers: HEADERS })
      assert.deepEqual([head.status, head.headers['content-type'], head.text], [200, 'text/event-stream', ''])
    })
  })
}

describe('streams', () => {
  test('are limited to 100 at once', async (t) => {
    await start(t, { env: ENV })
    const heard = []
    const listener = ({ reason, route }) => heard.push(`${route}: ${reason}`)
    subscribe('clustershazbot:security', listener)
    t.after(() => unsubscribe('clustershazbot:security', listener))
    const baseUrl = await HOSTS['node:http'](t, OPTIONS)
    const streams = await Promise.all(Array.from({ length: 200 }, () => watch(t, baseUrl)))
    const accepted = streams.filter(({ status }) => status === 200)
    const refused = streams.filter(({ status }) => status === 503)
    assert.deepEqual([accepted.length, refused.length], [100, 100])
    assert.ok(
      refused.every(({ headers }) => headers['retry-after'] === '10' && headers.connection === 'close'),
    )
    await eventually(() => refused[0].text.includes('At most 100 streams are open at once'), {
      what: 'a reason',
    })
    assert.deepEqual(new Set(heard), new Set(['watch: limited']))
    await Promise.all(accepted.map(begun))
    await learn(OTHER)
    const hasTold = ({ states }) => states.get(OTHER) === 'online'
    await eventually(() => accepted.every(hasTold), { what: 'the news in all of them' })
    accepted[0].destroy()
    await eventually(async () => (await watch(t, baseUrl)).status === 200, { what: 'room for another' })
  })

  test('of an earlier engine cannot be continued', async (t) => {
    await start(t, { env: ENV })
    const baseUrl = await HOSTS['node:http'](t, OPTIONS)
    const first = await watch(t, baseUrl)
    await begun(first)
    await shazbot.shazbotShutDown()
    await shazbot.shazbotStart()
    const next = await watch(t, baseUrl, { 'Last-Event-ID': first.events[0].id })
    await begun(next)
    assert.equal(next.events[0].event, 'snapshot')
    assert.notEqual(next.events[0].id.split('-')[0], first.events[0].id.split('-')[0])
  })

  test('have a comment every 15 s', async (t) => {
    await start(t, { env: ENV })
    const baseUrl = await HOSTS['node:http'](t, OPTIONS)
    const stream = await watch(t, baseUrl)
    await begun(stream)
    await eventually(() => stream.text.endsWith('\n\n:\n\n'), { within: 25_000, what: 'a comment' })
  })
})
