'use strict'

const { describe, test } = require('node:test')
const assert = require('node:assert/strict')
const { createFakePeer } = require('../support/fake-peer')
const { createMasterListStore } = require('../support/master-list-store')
const { shazbot, captureConsole, prepare } = require('../support/in-process')
const { runScript } = require('../support/script')
const { startSubject } = require('../support/subject')
const { deadBaseUrl } = require('../support/ports')
const { aWhileAgo, entry, isOffline } = require('../support/entries')
const { eventually, withTimeout } = require('../support/eventually')

const { shazbotStart, shazbotShutDown } = shazbot

const EVERY_SECOND = { SHAZBOT_MASTER_ANNOUNCE_MINIMUM: '0', SHAZBOT_MASTER_ANNOUNCE_INTERVAL: '0' }
const BROKEN = { status: 500, body: 'broken' }

const textsOf = (lines, severity) =>
  lines.filter((line) => line.severity === severity).map(({ values }) => values[0])

describe('logs', () => {
  test('start and shutdown each log one line through console.log', async (t) => {
    await prepare(t)
    const lines = captureConsole(t)
    await Promise.all([shazbotStart(), shazbotStart()])
    assert.deepEqual(lines, [{ severity: 'log', values: ['Clustershazbot engine started'] }])
    lines.length = 0
    await Promise.all([shazbotShutDown(), shazbotShutDown()])
    await shazbotShutDown()
    assert.deepEqual(lines, [{ severity: 'log', values: ['Clustershazbot engine shut down'] }])
  })

  test('a rejected start is not logged, because the caller gets the error', async (t) => {
    await prepare(t, { env: { SHAZBOT_SECRET: undefined } })
    const lines = captureConsole(t)
    await assert.rejects(shazbotStart())
    assert.deepEqual(lines, [])
  })

  test('failures have a fixed beginning, a URL without secrets, and a reason as second argument', async (t) => {
    const dead = await deadBaseUrl()
    const store = await createMasterListStore(t, { servers: [entry(dead, aWhileAgo())] })
    store.onPut = () => BROKEN
    const secret = (url) => `${url.replace('http://', 'http://user:pass@')}?signature=hidden#part`
    const env = {
      ...EVERY_SECOND,
      SHAZBOT_MASTER_LIST: secret(store.url),
      SHAZBOT_MASTER_LIST_UPDATE: secret(store.url),
    }
    await prepare(t, { store, env })
    const lines = captureConsole(t)
    await shazbotStart()
    const expected = [
      `Failed to send gossip message to ${dead}:`,
      `Failed to upload master list to ${store.url}:`,
      `Failed to download master list from ${store.url}:`,
    ]
    await eventually(() => textsOf(lines, 'error').includes(expected[1]), { what: 'the failed upload' })
    store.onGet = () => BROKEN
    await eventually(() => expected.every((text) => textsOf(lines, 'error').includes(text)), {
      what: 'all three logs',
    })
    for (const { values } of lines.filter(({ severity }) => severity === 'error')) {
      assert.ok(expected.includes(values[0]), values[0])
      assert.equal(values.length, 2)
      assert.equal(typeof values[1], 'string')
      assert.ok(values[1].length > 0 && !/undefined|null|\[object/.test(values[1]), values[1])
    }
    assert.ok(!/user|pass|signature|hidden/.test(JSON.stringify(lines)), JSON.stringify(lines))
    assert.match(lines.find(({ values }) => values[0] === expected[0]).values[1], /refused/)
    assert.match(lines.find(({ values }) => values[0] === expected[2]).values[1], /500/)
  })

  test('the console is looked up at each log, and a throwing one is harmless', async (t) => {
    await prepare(t)
    captureConsole(t)
    console.log = () => {
      throw new Error('no log today')
    }
    console.error = console.log
    process.env.SHAZBOT_MASTER_LIST = await deadBaseUrl()
    await shazbotStart()
    const seen = []
    console.log = (...values) => seen.push(values)
    await shazbotShutDown()
    assert.deepEqual(seen, [['Clustershazbot engine shut down']])
  })
})

describe('logs of a process', { concurrency: 8 }, () => {
  test('the same failure of the same peer is logged at most once a minute', async (t) => {
    const peer = await createFakePeer(t)
    const { app } = await startSubject(t, {
      servers: [peer.entry(aWhileAgo())],
      env: { SHAZBOT_GOSSIP_INTERVAL: '0.2' },
    })
    peer.onGossip = () => ({ status: 401, body: { error: 'Unauthorized' } })
    const from = peer.gossips.length
    await eventually(() => peer.gossips.length > from + 15, { what: 'many rejections' })
    const logs = app.lines.filter(({ text }) =>
      text.includes(`Failed to send gossip message to ${peer.baseUrl}:`),
    )
    assert.equal(logs.length, 1, app.output())
    assert.equal(logs[0].stream, 'stderr')
  })

  test('another peer, and another kind of failure, is logged at once', async (t) => {
    const peers = await Promise.all([1, 2].map(() => createFakePeer(t)))
    for (const peer of peers) peer.onGossip = () => ({ status: 401, body: '' })
    const { app, store } = await startSubject(t, {
      servers: peers.map((peer) => peer.entry(aWhileAgo())),
      env: EVERY_SECOND,
    })
    store.onGet = () => BROKEN
    await eventually(() => app.output('stderr').includes('Failed to download master list from'), {
      what: 'the download',
    })
    for (const { baseUrl } of peers) {
      assert.equal(
        app.lines.filter(({ text }) => text.includes(`Failed to send gossip message to ${baseUrl}:`)).length,
        1,
      )
    }
  })

  test('repeated download failures are logged once', async (t) => {
    const store = await createMasterListStore(t)
    store.onGet = () => BROKEN
    const { app } = await startSubject(t, { store, env: EVERY_SECOND })
    await eventually(() => store.gets.length >= 4, { what: 'four downloads' })
    assert.equal(
      app.lines.filter(({ text }) => text.includes('Failed to download master list from')).length,
      1,
    )
  })

  test('in normal operation, only joining servers are logged', async (t) => {
    const peer = await createFakePeer(t)
    const { app } = await startSubject(t, {
      servers: [peer.entry(aWhileAgo())],
      env: { SHAZBOT_GOSSIP_INTERVAL: '0.2', ...EVERY_SECOND },
    })
    await eventually(() => peer.gossips.length >= 8 && app.lines.length >= 2, { what: 'rounds' })
    assert.deepEqual(
      app.lines.map(({ stream, text }) => [stream, text]),
      [
        ['stdout', 'Clustershazbot engine started'],
        ['stdout', `Clustershazbot: found at the start: ${peer.baseUrl} (on the master list)`],
      ],
    )
  })

  test('joining, dying and leaving servers are logged with the cause', async (t) => {
    const { app } = await startSubject(t)
    const lines = () => app.lines.map(({ text }) => text).filter((text) => text.startsWith('Clustershazbot:'))
    const servers = [entry(app.baseUrl, aWhileAgo())]
    const others = await Promise.all([1, 2, 3].map(() => startSubject(t, { servers })))
    const named = (word, { app: other }) =>
      lines().some((line) => line.includes(word) && line.includes(other.baseUrl))
    const all = (word) => others.every((other) => named(word, other))
    await eventually(() => all('joined: '), { what: 'the joins' })
    assert.ok(lines().length <= 3, lines().join('\n'))

    others[0].app.kill()
    await eventually(() => named('died: ', others[0]), { within: 60_000, what: 'the death' })
    assert.match(
      lines().at(-1),
      /died: http\S+ \((connection refused|no answer|reported by other servers)\)$/,
    )
    await others[1].app.leave()
    await eventually(() => named('left: ', others[1]), { within: 60_000, what: 'the leave' })
    assert.match(lines().at(-1), /left: http\S+ \((reported by itself|reported by other servers)\)$/)
  })
})

/** Prints the report of the hook, or that there is none. */
const PRINT =
  "const print = () => console.log('hook', JSON.stringify(globalThis.happyServerExtension?.clustershazbot?.()))"

const reports = (script) =>
  script.stdout
    .split('\n')
    .filter((line) => line.startsWith('hook'))
    .map((line) => line.slice(5))

describe('the happy-server hook', { concurrency: 8 }, () => {
  const me = 'http://127.0.0.1:9/me/'

  async function run(t, program) {
    const store = await createMasterListStore(t)
    const script = runScript(t, `${PRINT}\n${program}`, {
      store,
      loads: false,
      env: { MODULE: require.resolve('../..') },
    })
    const { code } = await withTimeout(script.exited, { within: 60_000, what: 'the end of the process' })
    assert.equal(code, 0, script.stderr)
    return reports(script)
  }

  test('is set at load if the extension point exists, and reports at once', async (t) => {
    const [before, running, after] = await run(
      t,
      `globalThis.happyServerExtension = { other: 1 }
      const shazbot = require(process.env.MODULE)
      print()
      await shazbot.shazbotStart()
      print()
      await shazbot.shazbotShutDown()
      print()
      if (Object.keys(happyServerExtension).join() !== 'other,clustershazbot') process.exit(1)`,
    )
    assert.equal(before, '{"status":"ok"}')
    const { status, cluster } = JSON.parse(running)
    assert.equal(status, 'ok')
    assert.deepEqual(Object.keys(cluster), ['online', 'offline'])
    assert.deepEqual([cluster.online.map(({ baseUrl }) => baseUrl), cluster.offline], [[me], []])
    assert.equal(after, '{"status":"ok"}')
  })

  test('has the key cluster even if undefined, and is synchronous', async (t) => {
    const [keys] = await run(
      t,
      `globalThis.happyServerExtension = {}
      require(process.env.MODULE)
      const report = happyServerExtension.clustershazbot()
      console.log('hook', Object.keys(report).join())`,
    )
    assert.equal(keys, 'status,cluster')
  })

  for (const [what, absent] of Object.entries({ 'not there': 'undefined', null: 'null' })) {
    test(`is set 3 s later if the extension point is ${what} at load`, async (t) => {
      const result = await run(
        t,
        `globalThis.happyServerExtension = ${absent}
        require(process.env.MODULE)
        const began = performance.now()
        setTimeout(() => { globalThis.happyServerExtension = {} }, 1_000)
        const wait = setInterval(() => {
          if (!happyServerExtension?.clustershazbot) return
          clearInterval(wait)
          print()
          console.log('hook', Math.round(performance.now() - began))
        }, 20)`,
      )
      assert.equal(result[0], '{"status":"ok"}')
      assert.ok(Number(result[1]) > 2_900 && Number(result[1]) < 10_000, `after ${result[1]} ms`)
    })
  }

  test('a read-only extension point breaks neither loading nor a start', async (t) => {
    const result = await run(
      t,
      `globalThis.happyServerExtension = Object.freeze({})
      const shazbot = require(process.env.MODULE)
      await shazbot.shazbotStart()
      print()
      await shazbot.shazbotShutDown()`,
    )
    assert.deepEqual(result, ['undefined'])
  })

  test('is set at each start', async (t) => {
    const result = await run(
      t,
      `const shazbot = require(process.env.MODULE)
      globalThis.happyServerExtension = {}
      print()
      const starting = shazbot.shazbotStart()
      print()
      await starting
      await shazbot.shazbotShutDown()
      globalThis.happyServerExtension = {}
      await shazbot.shazbotStart()
      print()
      await shazbot.shazbotShutDown()`,
    )
    assert.equal(result[0], 'undefined')
    for (const report of result.slice(1)) assert.equal(JSON.parse(report).cluster.online[0].baseUrl, me)
  })

  test('ignores values that are not objects, and does not keep the process alive', async (t) => {
    for (const value of ['1', '"text"', 'true', 'undefined']) {
      const result = await run(
        t,
        `globalThis.happyServerExtension = ${value}
        const shazbot = require(process.env.MODULE)
        await shazbot.shazbotStart()
        await shazbot.shazbotShutDown()
        console.log('hook', globalThis.happyServerExtension === ${value})`,
      )
      assert.deepEqual(result, ['true'])
    }
  })

  test('reports an error', async (t) => {
    const [report] = await run(
      t,
      `globalThis.happyServerExtension = {}
      const shazbot = require(process.env.MODULE)
      await shazbot.shazbotStart()
      const { parse } = JSON
      JSON.parse = () => { throw new Error('out of order') }
      const result = happyServerExtension.clustershazbot()
      JSON.parse = parse
      console.log('hook', JSON.stringify(result))
      await shazbot.shazbotShutDown()`,
    )
    assert.deepEqual(JSON.parse(report), { status: 'error', error: 'out of order' })
  })

  test('shows offline servers', async (t) => {
    const [report] = await run(
      t,
      `globalThis.happyServerExtension = {}
      const shazbot = require(process.env.MODULE)
      await shazbot.shazbotStart()
      const gone = { baseUrl: 'http://127.0.0.1:9/gone/', monitor: false, lastUpdate: Date.now() }
      await shazbot.shazbotGossipRequest(process.env.SHAZBOT_SECRET, { online: [], offline: [gone] })
      print()
      await shazbot.shazbotShutDown()`,
    )
    assert.ok(isOffline(JSON.parse(report).cluster, 'http://127.0.0.1:9/gone/'))
  })
})
