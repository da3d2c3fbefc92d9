'use strict'

const { describe, test } = require('node:test')
const assert = require('node:assert/strict')
const { createFakePeer } = require('../support/fake-peer')
const { createMasterListStore } = require('../support/master-list-store')
const { freePort } = require('../support/ports')
const { answers } = require('../support/scripted-server')
const { runScript } = require('../support/script')
const { startSubject } = require('../support/subject')
const { aWhileAgo, isOffline } = require('../support/entries')
const { eventually, throughout, withTimeout } = require('../support/eventually')

const FAST = { SHAZBOT_GOSSIP_INTERVAL: '0.2' }

/** Creates a peer, and a master list that names it. */
async function createWorld(t) {
  const peer = await createFakePeer(t)
  const store = await createMasterListStore(t, { servers: [peer.entry(aWhileAgo())] })
  return { peer, store }
}

const exitOf = (script, within = 30_000) =>
  withTimeout(script.exited, { within, what: 'the end of the process' })

async function assertExit(script, code, signal = null) {
  const exit = await exitOf(script)
  assert.deepEqual([exit.code, exit.signal], [code, signal], script.stderr)
}

async function assertSilent(peer, lasting = 1_500) {
  const { length } = peer.requests
  await throughout(() => peer.requests.length === length, { lasting, what: 'no further requests' })
}

describe('life cycle of a process', { concurrency: 6 }, () => {
  test('a started engine alone keeps the process alive, and gossips', async (t) => {
    const { peer, store } = await createWorld(t)
    const script = runScript(t, 'shazbot.shazbotStart()', { store, env: FAST })
    await eventually(() => peer.gossips.length >= 15, { what: 'many rounds' })
    assert.ok(script.isRunning)
  })

  test('a start in progress keeps the process alive', async (t) => {
    const { peer, store } = await createWorld(t)
    const release = peer.hold('gossip')
    const script = runScript(
      t,
      'await shazbot.shazbotStart(); console.log("go on"); await shazbot.shazbotShutDown()',
      {
        store,
      },
    )
    await eventually(() => peer.gossips.length === 1, { what: 'the announcement' })
    await throughout(() => script.isRunning, { lasting: 500 })
    release()
    await assertExit(script, 0)
    assert.ok(script.said('go on'))
  })

  test('a process ends by itself after a shutdown, at once, with code 0', async (t) => {
    const { peer, store } = await createWorld(t)
    const script = runScript(
      t,
      async () => {
        await shazbot.shazbotStart()
        await new Promise((resolve) => setTimeout(resolve, 600))
        await shazbot.shazbotShutDown()
        const doneAt = performance.now()
        process.once('exit', () => console.log(`lingered ${performance.now() - doneAt}, ended ${Date.now()}`))
      },
      { store, env: FAST },
    )
    const { code } = await exitOf(script)
    const exitedAt = Date.now()
    assert.equal(code, 0, script.stderr)
    const [, lingered, endedAt] = /lingered (\S+), ended (\d+)/.exec(script.stdout).map(Number)
    assert.ok(lingered < 2_000, `the process stayed alive for ${lingered} ms`)
    assert.ok(exitedAt - endedAt < 4_000, `its end took ${exitedAt - endedAt} ms`)
    assert.ok(peer.gossips.at(-1).json.offline.some(({ baseUrl }) => baseUrl.endsWith('/me/')))
  })

  test('a rejected start does not keep the process alive', async (t) => {
    const script = runScript(t, 'await shazbot.shazbotStart().catch(({ message }) => console.log(message))', {
      env: { SHAZBOT_SECRET: undefined },
    })
    await assertExit(script, 0)
    assert.ok(script.said('Environment variable SHAZBOT_SECRET is required'), script.stdout)
  })

  test('process.exit() ends at once in the tick of the start', async (t) => {
    const { store } = await createWorld(t)
    await assertExit(runScript(t, 'shazbot.shazbotStart(); process.exit(7)', { store }), 7)
  })

  test('process.exit() ends at once with requests in flight', async (t) => {
    const { peer, store } = await createWorld(t)
    peer.onGossip = answers.silence
    const program = "shazbot.shazbotStart(); process.once('SIGTERM', () => process.exit(7))"
    const script = runScript(t, program, { store })
    await eventually(() => peer.gossips.length === 1, { what: 'the announcement' })
    const began = performance.now()
    script.kill('SIGTERM')
    const { code, at } = await exitOf(script)
    assert.equal(code, 7, script.stderr)
    assert.ok(at - began < 4_000, `it took ${Math.round(at - began)} ms`)
    assert.equal(peer.gossips.length, 1, 'no farewell')
  })

  test('process.exit() ends at once during a shutdown', async (t) => {
    const { peer, store } = await createWorld(t)
    const program = `await shazbot.shazbotStart()
      shazbot.shazbotShutDown()
      process.on('exit', () => console.log('exit'))
      setTimeout(() => process.exit(7), 300)`
    let asked = 0
    peer.onGossip = () => (++asked > 1 ? answers.silence() : undefined)
    const script = runScript(t, program, { store })
    await assertExit(script, 7)
    assert.ok(script.said('exit'))
  })

  test('an uncaught exception ends the process as it does anywhere', async (t) => {
    const { store } = await createWorld(t)
    const program = "await shazbot.shazbotStart(); setTimeout(() => { throw new Error('boom') }, 300)"
    const script = runScript(t, program, { store, env: FAST })
    await assertExit(script, 1)
    assert.match(script.stderr, /Error: boom/)
  })

  test('an unhandled rejection ends the process as it does anywhere', async (t) => {
    const { store } = await createWorld(t)
    const script = runScript(t, "await shazbot.shazbotStart(); throw new Error('boom')", { store, env: FAST })
    await assertExit(script, 1)
    assert.match(script.stderr, /Error: boom/)
  })

  for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP']) {
    const skip = process.platform === 'win32' && signal === 'SIGHUP' && 'Windows has no such signal'
    test(`${signal} without a handler ends the process`, { skip }, async (t) => {
      const { peer, store } = await createWorld(t)
      const script = runScript(t, 'shazbot.shazbotStart()', { store, env: FAST })
      await eventually(() => peer.gossips.length >= 3, { what: 'some rounds' })
      script.kill(signal)
      await assertExit(script, null, signal)
    })
  }

  test('loading, start and shutdown install no handlers', async (t) => {
    const { store } = await createWorld(t)
    const program = `const show = () => console.log(JSON.stringify(process.eventNames().map(String)))
      show()
      await shazbot.shazbotStart()
      show()
      await shazbot.shazbotShutDown()
      show()`
    const script = runScript(t, program, { store })
    await assertExit(script, 0)
    const shown = script.stdout.split('\n').filter((line) => line.startsWith('['))
    assert.equal(shown.length, 3)
    assert.deepEqual(new Set(shown).size, 1, script.stdout)
    assert.doesNotMatch(shown[0], /SIG|exit|uncaught|unhandled/i)
  })

  test('garbage collection does not end an engine', async (t) => {
    const { peer, store } = await createWorld(t)
    const program = `await shazbot.shazbotStart()
      setInterval(() => gc(), 20)`
    runScript(t, program, { store, env: FAST, nodeOptions: ['--expose-gc'] })
    await eventually(() => peer.gossips.length >= 15, { what: 'many rounds' })
  })

  test('the last of several starts and shutdowns in one tick wins', async (t) => {
    const { peer, store } = await createWorld(t)
    const program = `const { shazbotStart, shazbotShutDown, shazbotGetServerList } = shazbot
      const isRunning = () => { try { return shazbotGetServerList().online.length > 0 } catch { return false } }
      await Promise.all([shazbotStart(), shazbotShutDown(), shazbotStart(), shazbotShutDown()])
      console.log('first', isRunning())
      await Promise.all([shazbotStart(), shazbotShutDown(), shazbotStart()])
      console.log('second', isRunning())
      await Promise.all([shazbotShutDown(), shazbotStart(), shazbotShutDown(), shazbotStart(), shazbotStart()])
      console.log('third', isRunning())
      await shazbotShutDown()
      console.log('fourth', isRunning())`
    const script = runScript(t, program, { store })
    await assertExit(script, 0)
    const states = script.stdout.split('\n').filter((line) => / (true|false)$/.test(line))
    assert.deepEqual(states, ['first false', 'second true', 'third true', 'fourth false'])
    await assertSilent(peer)
  })

  test('changes during a blocked event loop are visible once it runs again', async (t) => {
    const peer = await createFakePeer(t, { port: await freePort() })
    const { app } = await startSubject(t, { servers: [peer.entry(aWhileAgo())], env: FAST })
    await eventually(() => peer.gossips.length >= 2, { what: 'a round' })
    const blocked = app.block(8_000)
    const listed = app.call('shazbotGetServerList', true)
    await peer.close()
    await blocked
    assert.ok(isOffline(await listed, peer.baseUrl), 'it was found dead in the meantime')
    await eventually(() => app.output('stderr').includes('Failed to send gossip message to'), {
      what: 'its log',
    })
  })
})

test('200 starts and shutdowns in one process leak nothing', async (t) => {
  const { peer, store } = await createWorld(t)
  const program = async () => {
    const { readdirSync } = require('node:fs')
    const count = (folder) => (process.platform === 'linux' ? readdirSync(folder).length : 0)
    console.log = () => {}
    const measure = () => {
      gc()
      return {
        rss: process.memoryUsage().rss,
        heap: process.memoryUsage().heapUsed,
        handles: process.getActiveResourcesInfo().length,
        threads: count('/proc/self/task'),
        descriptors: count('/proc/self/fd'),
      }
    }
    const cycles = async (times) => {
      for (let i = 0; i < times; i++) {
        await shazbot.shazbotStart()
        await shazbot.shazbotShutDown()
      }
    }
    await cycles(50)
    const before = measure()
    await cycles(150)
    const after = measure()
    process.stdout.write(`${JSON.stringify({ before, after })}\n`)
  }
  const script = runScript(t, program, { store, nodeOptions: ['--expose-gc'] })
  const { code, signal } = await exitOf(script, 300_000)
  assert.deepEqual([code, signal], [0, null], script.stderr)
  assert.equal(peer.gossips.length, 400, 'each start and each shutdown was announced')
  const { before, after } = JSON.parse(script.stdout)
  t.diagnostic(script.stdout.trim())
  assert.ok(after.handles <= before.handles, 'handles')
  // Idle runtime threads come and go under load; a leak would show in each of 150 cycles.
  assert.ok(after.threads <= before.threads + 20, 'threads')
  assert.ok(after.descriptors <= before.descriptors + 15, 'file descriptors')
  assert.ok(after.heap < before.heap + 3_000_000, 'heap')
  assert.ok(after.rss < before.rss + 30_000_000, 'resident memory')
  await assertSilent(peer)
})
