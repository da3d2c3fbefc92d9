'use strict'

const { describe, test } = require('node:test')
const assert = require('node:assert/strict')
const { setTimeout: pause } = require('node:timers/promises')
const { BASE_URL, drain, bringBack, gossip, shazbot, start } = require('../support/in-process')
const { brief, events, hearAll, replay, watch } = require('../support/events')
const { entry } = require('../support/entries')
const { eventually, withTimeout } = require('../support/eventually')
const { runScript } = require('../support/script')
const { EVENTS } = require('../support/events')

const { shazbotStatus, shazbotSettled, shazbotWatch } = events

const KEPT_NEWS = 1_024

const server = (name) => `http://127.0.0.1:9/${name}/`
const say = (...names) => gossip({ online: names.map((name) => entry(server(name))) })
const bury = (...names) =>
  gossip({ online: [], offline: names.map((name) => entry(server(name), Date.now() + 1_000)) })

/** The states that the list and the status show, to compare with what a reader was told. */
function listedStates() {
  const { online, offline } = shazbot.shazbotGetServerList(true)
  return new Map([
    ...online.map(({ baseUrl }) => [baseUrl, true]),
    ...offline.map(({ baseUrl }) => [baseUrl, false]),
  ])
}

const onlineOf = (states) =>
  new Map([...states].map(([url, state]) => [url, state === 'online' || state === 'suspect']))

const assertKnowsAll = (states) => assert.deepEqual([...onlineOf(states)].sort(), [...listedStates()].sort())

/** The next change; fails if there is none within a second. */
const next = async (opened) => {
  const { value } = await withTimeout(opened.next(), { within: 10_000, what: 'a change' })
  return value
}

/** Waits until the engine has news that the event loop has got round to. */
const view = (number) =>
  eventually(() => shazbotStatus().view >= number, { every: 5, what: `view ${number}` })

describe('watches', () => {
  test('the first change has all present servers, later ones what happens', async (t) => {
    await start(t)
    await say('a', 'b')
    await bury('b')
    const opened = watch(t)
    const first = await next(opened)
    assert.deepEqual([first.snapshot, first.view, first.online], [true, shazbotStatus().view, 2])
    assert.deepEqual(
      brief(first.news).sort(),
      [`down ${server('b')}`, `up ${BASE_URL}`, `up ${server('a')}`].sort(),
    )
    assert.ok(first.news.every(({ previous }) => previous === 'unknown'))
    assert.equal(first.news.find(({ server: { baseUrl } }) => baseUrl === server('a')).cause, 'rumour')
    await say('c')
    const second = await next(opened)
    assert.deepEqual([second.snapshot, brief(second.news)], [false, [`up ${server('c')}`]])
  })

  test('without a snapshot, only what happens from now on is told', async (t) => {
    await start(t)
    await say('a')
    const opened = watch(t, { snapshot: false })
    await say('b')
    assert.deepEqual(brief((await next(opened)).news), [`up ${server('b')}`])
  })

  test('a slow reader is told everything in order, with its number alone', async (t) => {
    await start(t)
    const opened = watch(t)
    await next(opened)
    for (const name of ['a', 'b', 'c']) await say(name)
    await view(4)
    await pause(50)
    const { news, snapshot } = await next(opened)
    assert.deepEqual([snapshot, brief(news)], [false, ['a', 'b', 'c'].map((name) => `up ${server(name)}`)])
  })

  test('a reader that lags far behind is told the difference', async (t) => {
    await start(t)
    const slow = watch(t)
    const states = replay([await next(slow)])
    const names = Array.from({ length: KEPT_NEWS + 500 }, (_, index) => `many-${index}`)
    await say('stays', 'cancelled', ...names)
    await bury('cancelled', ...names.slice(0, 300))
    const before = shazbotStatus().view
    await view(names.length + 300)
    const change = await next(slow)
    assert.equal(change.snapshot, true)
    assert.ok(change.view >= before && change.news.length < change.view)
    assert.equal(new Set(change.news.map(({ server: { baseUrl } }) => baseUrl)).size, change.news.length)
    assertKnowsAll(replay([change], states))
    await say('then')
    const then = await next(slow)
    assert.equal(then.snapshot, false)
    assertKnowsAll(replay([then], states))
  })

  test('what a lagging reader was told before is not told again', async (t) => {
    await start(t)
    // Its listeners are told the states in between.
    const heard = hearAll(t)
    const cameBack = () =>
      heard.some(
        ([name, { server: { baseUrl } = {}, previous }]) =>
          name === 'up' && baseUrl === server('back') && previous === 'dead',
      )
    await say('told', 'gone', 'back')
    const slow = watch(t)
    await next(slow)
    const names = Array.from({ length: KEPT_NEWS + 10 }, (_, index) => `more-${index}`)
    await say(...names)
    await bury('gone', 'back')
    await pause(20)
    await gossip({ online: [entry(server('back'), Date.now() + 2_000)] })
    await eventually(cameBack)
    const { news } = await next(slow)
    const about = (name) => news.filter(({ server: { baseUrl } }) => baseUrl === server(name))
    assert.deepEqual([about('told'), about('back')], [[], []])
    const [gone] = about('gone')
    assert.deepEqual([gone.type, gone.previous, gone.cause], ['down', 'online', 'rumour'])
  })

  test('all readers are told the same news in the same order', async (t) => {
    const heard = hearAll(t)
    await start(t)
    const watches = Array.from({ length: 5 }, () => watch(t, { snapshot: false }))
    const told = watches.map(() => [])
    const reading = watches.map(async (opened, index) => {
      for await (const { news } of opened) {
        told[index].push(...news)
        await pause(index * 7)
      }
    })
    const begin = heard.filter(([name]) => name === 'change').length
    for (let round = 0; round < 30; round++) {
      await say(`r-${round}`)
      if (round % 3 === 0) await bury(`r-${round}`)
      if (round % 5 === 0) await pause(1)
    }
    await shazbot.shazbotShutDown()
    await withTimeout(Promise.all(reading), { within: 20_000, what: 'the ends of all watches' })
    const all = heard
      .filter(([name]) => name === 'change')
      .slice(begin)
      .flatMap(([, { news }]) => news)
    const own = all.findIndex(({ self, type }) => self && type === 'leave')
    const expected = brief(all.slice(0, own + 1))
    for (const news of told) assert.deepEqual(brief(news).slice(-expected.length), expected)
    assert.equal(expected.at(-1), `leave ${BASE_URL}`)
  })

  test('a watch ends after the own leave, but not when the server is drained', async (t) => {
    const early = watch(t)
    await start(t)
    assert.deepEqual(brief((await next(early)).news), [`up ${BASE_URL}`])
    await drain()
    assert.deepEqual(brief((await next(early)).news), [`leave ${BASE_URL}`])
    await bringBack()
    assert.deepEqual(brief((await next(early)).news), [`up ${BASE_URL}`])
    const idle = watch(t, { snapshot: false })
    await shazbot.shazbotShutDown()
    await shazbot.shazbotStart()
    for (const opened of [early, idle]) {
      assert.deepEqual(brief((await next(opened)).news), [`leave ${BASE_URL}`])
      assert.deepEqual(await opened.next(), { value: undefined, done: true })
    }
    await drain()
    const last = watch(t)
    const states = replay([await next(last)])
    if (states.get(BASE_URL) === 'online') replay([await next(last)], states)
    assert.equal(states.get(BASE_URL), 'left')
    const pending = last.next()
    await shazbot.shazbotShutDown()
    assert.equal(
      (await withTimeout(pending, { within: 10_000 })).done,
      true,
      'drained: there is no further leave',
    )
  })

  for (const [what, count] of [
    ['all of its news', 3],
    ['the difference, after more than are kept', KEPT_NEWS + 500],
  ]) {
    test(`a watch that is read only after the end of its engine has ${what}`, async (t) => {
      // No server is found dead before the end.
      await start(t, { env: { SHAZBOT_PROBE_INTERVAL: '0' } })
      const [told, untold, late] = [watch(t), watch(t), watch(t, { snapshot: false })]
      const states = replay([await next(told)])
      const names = Array.from({ length: count }, (_, index) => `late-${index}`)
      await say(...names)
      await bury(names[0])
      await view(count + 2)
      const { online } = shazbotStatus()
      await shazbot.shazbotShutDown()
      const expected = new Map(names.map((name) => [server(name), 'online']))
      expected.set(server(names[0]), 'dead').set(BASE_URL, 'left')
      for (const opened of [told, untold, late]) {
        const change = await next(opened)
        assert.equal(change.snapshot, opened === untold || count > KEPT_NEWS)
        assert.deepEqual([change.view, change.online], [count + 3, online - 1])
        assert.deepEqual(
          [...replay([change], opened === told ? states : new Map())].sort(),
          [...expected].sort(),
        )
        assert.deepEqual(await opened.next(), { value: undefined, done: true })
      }
    })
  }

  test('an abort, return() and disposal end a watch at once', async (t) => {
    await start(t)
    const ends = {
      abort: (_, controller) => controller.abort(),
      return: (opened) => opened.return(),
      dispose: (opened) => opened[Symbol.asyncDispose](),
    }
    for (const [name, end] of Object.entries(ends)) {
      const controller = new AbortController()
      const opened = watch(t, { signal: controller.signal })
      await next(opened)
      const pending = [opened.next(), opened.next()]
      end(opened, controller)
      for (const promise of pending) {
        const { done } = await withTimeout(promise, { within: 5_000, what: name })
        assert.equal(done, true, name)
      }
      assert.equal((await opened.next()).done, true)
    }
    const aborted = watch(t, { signal: AbortSignal.abort() })
    assert.equal((await aborted.next()).done, true)
    for await (const { snapshot } of watch(t)) {
      assert.ok(snapshot)
      break
    }
  })

  test('a settling watch tells what is left once it is quiet', async (t) => {
    await start(t)
    // Far longer than the pauses, even on a busy machine.
    const opened = watch(t, { snapshot: false, settle: 2_000 })
    const pending = opened.next()
    await say('a', 'b')
    await pause(100)
    await bury('b')
    await pause(100)
    const last = performance.now()
    await say('c')
    const { news } = (await pending).value
    assert.ok(performance.now() - last >= 1_990, 'it has waited')
    assert.deepEqual(
      brief(news).sort(),
      [`down ${server('b')}`, `up ${server('a')}`, `up ${server('c')}`].sort(),
    )
    assert.equal(news.find(({ type }) => type === 'down').previous, 'unknown')
  })

  test('a settling watch does not tell what has cancelled itself out', async (t) => {
    await start(t)
    const opened = watch(t, { snapshot: false, settle: 50 })
    await drain()
    await bringBack()
    const pending = opened.next()
    await pause(200)
    await say('a')
    assert.deepEqual(brief((await pending).value.news), [`up ${server('a')}`])
  })

  test('a settling watch waits no longer than ten times that', async (t) => {
    await start(t)
    const opened = watch(t, { snapshot: false, settle: 400 })
    const pending = opened.next()
    const began = performance.now()
    let round = 0
    const noise = setInterval(() => say(`n-${++round}`), 20)
    t.after(() => clearInterval(noise))
    const { value } = await withTimeout(pending, { within: 10_000 })
    clearInterval(noise)
    assert.ok(performance.now() - began >= 3_900)
    assert.ok(value.news.length > 10)
  })

  test('ten thousand watches are opened and dropped without a trace', async (t) => {
    const program = `
      const { shazbotWatch, shazbotEvents } = require(${JSON.stringify(EVENTS)})
      const open = () => { for (let i = 0; i < 10_000; i++) shazbotWatch({ settle: i % 2 }) }
      await shazbot.shazbotStart()
      const signal = new AbortController().signal
      const used = () => { gc(); return process.memoryUsage().heapUsed }
      open()
      await new Promise(setImmediate)
      const before = used()
      for (let round = 0; round < 5; round++) {
        open()
        for (let i = 0; i < 10_000; i++) shazbotWatch({ signal }).return()
        await new Promise(setImmediate)
      }
      await Promise.all(Array.from({ length: 10_000 }, () => shazbotWatch({ signal }).next()))
      await new Promise(setImmediate)
      console.log('grown by', Math.round((used() - before) / 1024), 'kB')
      await shazbot.shazbotShutDown()
    `
    const script = runScript(t, program, {
      nodeOptions: ['--expose-gc'],
      env: { SHAZBOT_LOG: 'silent', SHAZBOT_MASTER_LIST: 'data:application/json,{"online":[],"offline":[]}' },
    })
    assert.equal((await script.exited).code, 0, script.stderr)
    const [, grown] = /grown by (-?\d+) kB/.exec(script.stdout)
    assert.ok(Number(grown) < 1_000, script.stdout)
    assert.equal(script.stderr, '')
  })
})

describe('options', () => {
  const numbers = [-1, Number.NaN, '5', null, Number.POSITIVE_INFINITY, 2 ** 31, 1n, {}]
  for (const value of numbers) {
    test(`settle and quiet are no ${typeof value} ${String(value)}`, async () => {
      assert.throws(() => shazbotWatch({ settle: value }), { name: 'RangeError', message: /option settle/ })
      await assert.rejects(shazbotSettled({ quiet: value }), { name: 'RangeError', message: /option quiet/ })
    })
  }

  for (const value of [-1, Number.NaN, 1.5, '2', null]) {
    test(`atLeast is no ${typeof value} ${value}`, async () => {
      const expected = { name: 'RangeError', message: /option atLeast/ }
      await assert.rejects(shazbotSettled({ atLeast: value }), expected)
    })
  }

  test('everything else has its type', async () => {
    for (const options of [null, 5, 'x']) {
      assert.throws(() => shazbotWatch(options), { name: 'TypeError', message: /options/ })
      await assert.rejects(shazbotSettled(options), { name: 'TypeError', message: /options/ })
    }
    assert.throws(() => shazbotWatch({ snapshot: 'no' }), { name: 'TypeError', message: /snapshot/ })
    for (const signal of [{}, true, 'abort', null]) {
      assert.throws(() => shazbotWatch({ signal }), { name: 'TypeError', message: /signal/ })
      await assert.rejects(shazbotSettled({ signal }), { name: 'TypeError', message: /signal/ })
    }
  })
})
