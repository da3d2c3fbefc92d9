'use strict'

const { describe, test } = require('node:test')
const assert = require('node:assert/strict')
const diagnostics = require('node:diagnostics_channel')
const { setTimeout: pause } = require('node:timers/promises')
const { BASE_URL, bringBack, drain, gossip, prepare, shazbot, start } = require('../support/in-process')
const { EVENTS, brief, events, hear, hearAll, watch } = require('../support/events')
const { entry } = require('../support/entries')
const { eventually } = require('../support/eventually')
const { runScript } = require('../support/script')
const { SUBJECT } = require('../support/subject')

const { shazbotEvents, shazbotSettled, shazbotStatus } = events

/** Nothing is known of them but what the tests say. */
const server = (name) => `http://127.0.0.1:9/${name}/`
const say = (name, now = Date.now()) => gossip({ online: [entry(server(name), now)] })
const bury = (name, now = Date.now() + 1_000) => gossip({ online: [], offline: [entry(server(name), now)] })

/** Waits until an event about this server has been heard; returns its position. */
const heardOf = (heard, type, baseUrl) =>
  eventually(
    () => heard.some(([name, news]) => name === type && news.server.baseUrl === baseUrl) && heard.length,
    { what: `${type} of ${baseUrl}` },
  )

const STOPPED = {
  phase: 'stopped',
  isolated: false,
  siblings: false,
  view: 0,
  online: 0,
  suspects: 0,
  dead: 0,
  left: 0,
  quietFor: 0,
  lag: 0,
}

describe('events', () => {
  test('an engine tells its whole life, each piece of news before the change and the status', async (t) => {
    const heard = hearAll(t)
    assert.deepEqual(shazbotStatus(), STOPPED)
    await start(t)
    await say('a')
    await heardOf(heard, 'up', server('a'))
    await bury('a')
    await heardOf(heard, 'down', server('a'))
    await drain()
    await bringBack()
    await shazbot.shazbotShutDown()
    await eventually(() => heard.at(-1)[1].phase === 'stopped', { what: 'the end' })
    const news = heard.filter(([name]) => name !== 'change' && name !== 'status').map(([, piece]) => piece)
    const own = news.filter(({ self }) => self)
    assert.deepEqual(
      own.map(({ type, cause, previous, state }) => [type, cause, previous, state]),
      [
        ['up', 'said', 'unknown', 'online'],
        ['leave', 'control', 'online', 'left'],
        ['up', 'control', 'left', 'online'],
        ['leave', 'said', 'online', 'left'],
      ],
    )
    assert.ok(own.every(({ server }) => server.baseUrl === BASE_URL))
    assert.deepEqual(
      news.map(({ view }) => view),
      news.map((_, index) => index + 1),
    )
    const [a] = news.filter(({ server: { baseUrl } }) => baseUrl === server('a'))
    assert.deepEqual([a.type, a.cause, a.previous, a.state], ['up', 'rumour', 'unknown', 'online'])
    assert.ok(Math.abs(a.at - Date.now()) < 60_000)
    assertPortions(heard)
    const phases = heard.filter(([name]) => name === 'status').map(([, { phase }]) => phase)
    assert.ok(['starting', 'running', 'leaving', 'stopped'].every((phase) => phases.includes(phase)))
  })

  test('a listener that reads the list finds the change in it, and may call every function', async (t) => {
    await start(t)
    const seen = []
    hear(t, 'up', ({ server: { baseUrl } }) => {
      seen.push(shazbot.shazbotGetServerList(true).online.some((entry) => entry.baseUrl === baseUrl))
      seen.push(shazbotStatus().online)
      shazbot.shazbotShutDown()
    })
    const heard = hearAll(t)
    await say('b')
    await eventually(() => heard.some(([name, status]) => name === 'status' && status.phase === 'stopped'))
    assert.deepEqual(seen, [true, 2])
    assert.deepEqual(brief(heard.filter(([name]) => name === 'leave').map(([, news]) => news)), [
      `leave ${BASE_URL}`,
    ])
  })

  test('listeners get no replay, outlive a shutdown and hear the next engine', async (t) => {
    await start(t)
    await say('c')
    const heard = hearAll(t)
    await pause(100)
    assert.deepEqual(heard, [])
    await shazbot.shazbotShutDown()
    await shazbot.shazbotStart()
    await eventually(() => heard.filter(([name, news]) => name === 'up' && news.self).length === 1)
    const changes = heard.filter(([name]) => name === 'change').map(([, change]) => change)
    assert.deepEqual(brief(changes[0].news), [`leave ${BASE_URL}`])
    assert.deepEqual([changes.at(-1).view, changes.at(-1).snapshot], [1, false])
  })

  test('all objects are frozen', async (t) => {
    const heard = hearAll(t)
    await start(t)
    await eventually(() => heard.length >= 3)
    for (const [, value] of heard) {
      assert.ok(Object.isFrozen(value))
      for (const news of value.news ?? []) assert.ok(Object.isFrozen(news) && Object.isFrozen(news.server))
      assert.ok(value.news === undefined || Object.isFrozen(value.news))
      assert.ok(value.server === undefined || Object.isFrozen(value.server))
    }
    assert.ok(Object.isFrozen(shazbotStatus()))
  })

  test('a listener that throws or rejects spoils nothing, and its error is an uncaughtException', async (t) => {
    await start(t)
    const uncaught = []
    const handlers = process.listeners('uncaughtException')
    process.removeAllListeners('uncaughtException')
    process.on('uncaughtException', (error) => uncaught.push(error.message))
    t.after(() => {
      process.removeAllListeners('uncaughtException')
      for (const handler of handlers) process.on('uncaughtException', handler)
    })
    let once = 0
    hear(t, 'up', () => {
      throw new Error('thrown')
    })
    hear(t, 'up', async () => {
      throw new Error('rejected')
    })
    shazbotEvents.once('up', () => once++)
    const heard = hearAll(t)
    await say('d')
    await heardOf(heard, 'up', server('d'))
    await eventually(() => uncaught.length === 2)
    await say('e')
    await heardOf(heard, 'up', server('e'))
    await eventually(() => uncaught.length === 4)
    assert.deepEqual(uncaught, ['thrown', 'rejected', 'thrown', 'rejected'])
    assert.equal(once, 1)
  })

  test('the eleventh listener warns, as with every emitter', async (t) => {
    const warned = new Promise((resolve) => process.once('warning', resolve))
    for (let count = 0; count < 11; count++) hear(t, 'trust', () => {})
    assert.equal((await warned).name, 'MaxListenersExceededWarning')
  })

  test('the channels have the same objects, also if nobody else listens', async (t) => {
    const published = []
    const handlers = ['change', 'status'].map((name) => [
      `clustershazbot:${name}`,
      (value) => published.push([name, value]),
    ])
    for (const [name, handler] of handlers) diagnostics.subscribe(name, handler)
    t.after(() => handlers.map(([name, handler]) => diagnostics.unsubscribe(name, handler)))
    await start(t)
    await eventually(() => published.length >= 2)
    assert.deepEqual(brief(published[0][1].news), [`up ${BASE_URL}`])
    const heard = hearAll(t)
    await say('f')
    await heardOf(heard, 'up', server('f'))
    const changes = (list) => list.filter(([name]) => name === 'change').map(([, change]) => change)
    await eventually(() => changes(published).length > 1)
    assert.equal(changes(published).at(-1), changes(heard).at(-1))
  })

  test('ten thousand changes cost few wake-ups', async (t) => {
    await start(t)
    const changes = []
    hear(t, 'change', (change) => changes.push(change))
    const now = Date.now()
    const online = Array.from({ length: 5_000 }, (_, index) => entry(server(`many-${index}`), now))
    await gossip({ online })
    const told = () => changes.reduce((sum, { news }) => sum + news.length, 0)
    await eventually(() => told() >= 5_000, { what: 'all news' })
    assert.ok(changes.length < 100, `${changes.length} changes`)
    assert.equal(shazbotStatus().online, 5_001)
    assert.equal(changes.at(-1).online, 5_001)
  })

  test('a settled view has been quiet, with enough servers', async (t) => {
    const early = shazbotSettled({ quiet: 200 })
    await start(t)
    assert.equal((await early).phase, 'running')
    assert.ok((await early).quietFor >= 200)
    let isSettled = false
    const settled = shazbotSettled({ quiet: 300, atLeast: 2 }).then((status) => {
      isSettled = true
      return status
    })
    await pause(400)
    assert.ok(!isSettled)
    await say('g')
    const status = await settled
    assert.ok(status.online >= 2 && status.quietFor >= 300)
  })

  test('an abort rejects a settled view with its reason', async (t) => {
    await start(t)
    const reason = new Error('enough')
    await assert.rejects(shazbotSettled({ signal: AbortSignal.abort(reason) }), reason)
    const controller = new AbortController()
    const waiting = shazbotSettled({ atLeast: 1_000, signal: controller.signal })
    controller.abort(reason)
    await assert.rejects(waiting, reason)
  })

  test('a start that is refused is told as a leave', async (t) => {
    await prepare(t, { env: { SHAZBOT_TLS_CA: __dirname } })
    const opened = watch(t)
    const heard = hearAll(t)
    await assert.rejects(shazbot.shazbotStart(), { code: 'SHAZBOT_CONFIG' })
    await eventually(() => heard.at(-1)?.[1].phase === 'stopped', { what: 'the end' })
    const own = heard.map(([name]) => name).filter((name) => name !== 'change' && name !== 'status')
    assert.deepEqual(own, ['up', 'leave'])
    const told = []
    for await (const { news } of opened) told.push(...news)
    assert.deepEqual(brief(told), [`up ${BASE_URL}`, `leave ${BASE_URL}`])
  })

  test('neither listeners nor watches keep a process alive', async (t) => {
    const program = `
      const { shazbotEvents, shazbotWatch, shazbotSettled, shazbotStatus } = require(${JSON.stringify(EVENTS)})
      shazbotEvents.on('change', () => {})
      shazbotWatch({ settle: 10 }).next()
      shazbotSettled()
      console.log(shazbotStatus().phase)
    `
    for (const loads of [true, false]) {
      const script = runScript(t, program, { loads })
      assert.equal((await script.exited).code, 0, script.stderr)
      assert.equal(script.stdout, 'stopped\n')
    }
  })

  test('the package loads no subpath by itself, even when it starts', async (t) => {
    const program = `
      const { shazbotStart, shazbotShutDown } = require(${JSON.stringify(SUBJECT)})
      await shazbotStart()
      await shazbotShutDown()
      const subpath = /\\bjs.(events|owners|health|adapters)\\b/
      console.log(Object.keys(require.cache).filter((file) => subpath.test(file)))
    `
    const env = { SHAZBOT_LOG: 'silent', SHAZBOT_MASTER_LIST: 'data:application/json,{}' }
    const script = runScript(t, program, { loads: false, env })
    assert.equal((await script.exited).code, 0, script.stderr)
    assert.equal(script.stdout, '[]\n')
  })

  test('a watch and the emitter tell the same changes', async (t) => {
    const opened = watch(t)
    const heard = hearAll(t)
    await start(t)
    const { value } = await opened.next()
    const [, change] = heard.find(([name]) => name === 'change')
    assert.equal(value, change)
  })
})

/** Each piece of news comes before its change, each status after it. */
function assertPortions(heard) {
  let open = []
  let view = 0
  for (const [name, value] of heard) {
    if (name === 'change') {
      assert.deepEqual(value.news, open)
      assert.equal(value.view, open.at(-1).view)
      open = []
      view = value.view
    } else if (name === 'status') {
      assert.deepEqual(open, [])
      if (value.phase !== 'stopped') assert.equal(value.view, view)
    } else open.push(value)
  }
  assert.deepEqual(open, [])
}
