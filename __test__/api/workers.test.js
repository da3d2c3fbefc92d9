'use strict'

const { describe, test } = require('node:test')
const assert = require('node:assert/strict')
const { readdirSync } = require('node:fs')
const { setTimeout: pause } = require('node:timers/promises')
const { createFakePeer } = require('../support/fake-peer')
const { createMasterListStore } = require('../support/master-list-store')
const { startWorker } = require('../support/engine-worker')
const { runScript } = require('../support/script')
const { SUBJECT } = require('../support/subject')
const { environment } = require('../support/environment')
const { answers } = require('../support/scripted-server')
const { aWhileAgo, entry, find, isOnline } = require('../support/entries')
const { eventually, throughout, withTimeout } = require('../support/eventually')

const FAST = '0.2'

/** Far longer than needed, because a busy machine may delay a thread. */
const ENDS_WITHIN = 20_000

let lastName = 0

/** Creates a peer, a master list that names it, and a function that starts workers with it. */
async function createWorld(t) {
  const peer = await createFakePeer(t)
  const store = await createMasterListStore(t, { servers: [peer.entry(aWhileAgo())] })
  return {
    peer,
    store,
    startWorker(env = {}) {
      // Nothing listens there, and nothing is sent there, because the peer names no servers.
      const baseUrl = `http://127.0.0.1:9/worker-${++lastName}/`
      const variables = { SHAZBOT_BASE_URL: baseUrl, SHAZBOT_GOSSIP_INTERVAL: FAST, ...env }
      return Object.assign(startWorker(t, { store, env: variables }), { baseUrl })
    },
    /** The messages in which this server claims to be online. */
    from: ({ baseUrl }) => peer.gossips.filter(({ json }) => isOnline(json, baseUrl)),
    farewells: ({ baseUrl }) => peer.gossips.filter(({ json }) => find(json.offline, baseUrl)),
  }
}

/** Asserts that a server sends nothing more, starting one second after its worker has ended. */
async function assertGossipStops(world, engine) {
  const since = performance.now()
  const late = () =>
    world.peer.requests.filter(({ at, text }) => at > since + 1_000 && text.includes(engine.baseUrl))
  await throughout(() => late().length === 0, { lasting: 2_500, what: 'silence after a second' })
}

async function assertGossips(world, engine) {
  const before = world.from(engine).length
  await eventually(() => world.from(engine).length >= before + 3, { what: `rounds of ${engine.baseUrl}` })
}

describe('worker threads', { concurrency: 4, timeout: 300_000 }, () => {
  test('engines in workers and in the main thread have their own environment and list', async (t) => {
    const world = await createWorld(t)
    const workers = [1, 2, 3].map((i) =>
      world.startWorker({ SHAZBOT_SECRET: `secret-${i}`, SHAZBOT_MONITOR: `${i === 2}` }),
    )
    const main = { baseUrl: 'http://127.0.0.1:9/main/' }
    Object.assign(
      process.env,
      environment(world.store, { SHAZBOT_BASE_URL: main.baseUrl, SHAZBOT_SECRET: 'secret-0' }),
    )
    const shazbot = require(SUBJECT)
    await Promise.all([shazbot.shazbotStart(), ...workers.map((worker) => worker.call('shazbotStart'))])
    t.after(() => shazbot.shazbotShutDown())

    const lists = await Promise.all(workers.map((worker) => worker.call('shazbotGetServerList')))
    const expected = [shazbot.shazbotGetServerList(), ...lists].map(({ online }) =>
      online.map(({ baseUrl }) => baseUrl),
    )
    for (const [i, { baseUrl }] of [main, ...workers].entries()) {
      assert.deepEqual(expected[i].sort(), [baseUrl, world.peer.baseUrl].sort())
      assert.equal(world.from({ baseUrl })[0].headers.authorization, `secret-${i}`)
    }
    assert.deepEqual(
      lists.map(({ online }, i) => find(online, workers[i].baseUrl).monitor),
      [false, true, false],
    )

    const message = { message: 'gossip', online: [entry('http://127.0.0.1:9/only-one/', Date.now())] }
    await workers[0].call('shazbotGossipRequest', 'secret-1', message)
    await assert.rejects(workers[1].call('shazbotGossipRequest', 'secret-1', message), {
      code: 'SHAZBOT_UNAUTHORIZED',
    })
    assert.ok(!isOnline(await workers[1].call('shazbotGetServerList'), message.online[0].baseUrl))
    assert.ok(!isOnline(shazbot.shazbotGetServerList(), message.online[0].baseUrl))

    await workers[0].call('shazbotShutDown')
    await assert.rejects(workers[0].call('shazbotGetServerList'), { code: 'SHAZBOT_NOT_STARTED' })
    await assertGossips(world, workers[1])
    assert.ok(shazbot.shazbotGetServerList().online.length > 0)
    await workers[0].call('shazbotStart')
    await assertGossips(world, workers[0])
  })

  test('an engine stops within a second when its worker is terminated', async (t) => {
    const world = await createWorld(t)
    const [ended, other] = [world.startWorker(), world.startWorker()]
    await Promise.all([ended.call('shazbotStart'), other.call('shazbotStart')])
    await assertGossips(world, ended)
    await withTimeout(ended.terminate(), { within: ENDS_WITHIN, what: 'the end of the worker' })
    await assertGossipStops(world, ended)
    await assertGossips(world, other)
  })

  test('terminating is harmless during a start', async (t) => {
    const world = await createWorld(t)
    const release = world.peer.hold('gossip')
    const worker = world.startWorker()
    worker.call('shazbotStart').catch(() => {})
    await eventually(() => world.from(worker).length === 1, { what: 'the announcement' })
    await withTimeout(worker.terminate(), { within: ENDS_WITHIN, what: 'the end of the worker' })
    release()
    await assertGossipStops(world, worker)
  })

  test('terminating is harmless with a round in flight', async (t) => {
    const world = await createWorld(t)
    const worker = world.startWorker()
    await worker.call('shazbotStart')
    const release = world.peer.hold('gossip')
    const before = world.from(worker).length
    await eventually(() => world.from(worker).length > before, { what: 'a round' })
    await withTimeout(worker.terminate(), { within: ENDS_WITHIN, what: 'the end of the worker' })
    release()
    await assertGossipStops(world, worker)
  })

  test('terminating is harmless between a failed round and its retry', async (t) => {
    const world = await createWorld(t)
    const worker = world.startWorker()
    await worker.call('shazbotStart')
    world.peer.onGossip = answers.reset
    const before = world.from(worker).length
    await eventually(() => world.from(worker).length > before, { what: 'a failed round' })
    await withTimeout(worker.terminate(), { within: ENDS_WITHIN, what: 'the end of the worker' })
    const ended = performance.now()
    const late = () => world.peer.requests.filter(({ at }) => at > ended + 1_000)
    await throughout(() => late().length === 0, { lasting: 4_500, what: 'no retry' })
  })

  test('terminating is harmless during a shutdown', async (t) => {
    const world = await createWorld(t)
    const worker = world.startWorker()
    await worker.call('shazbotStart')
    const release = world.peer.hold('gossip')
    worker.call('shazbotShutDown').catch(() => {})
    await eventually(() => world.farewells(worker).length === 1, { what: 'the farewell' })
    await withTimeout(worker.terminate(), { within: ENDS_WITHIN, what: 'the end of the worker' })
    release()
    await assertGossipStops(world, worker)
  })

  test('terminating is harmless while its event loop is blocked', async (t) => {
    const world = await createWorld(t)
    const worker = world.startWorker()
    await worker.call('shazbotStart')
    worker.call('block', 60_000).catch(() => {})
    await assertGossips(world, worker)
    await withTimeout(worker.terminate(), { within: ENDS_WITHIN, what: 'the end of the worker' })
    await assertGossipStops(world, worker)
  })

  test('a worker ends by itself after its shutdown', async (t) => {
    const world = await createWorld(t)
    const worker = world.startWorker()
    await worker.call('shazbotStart')
    await worker.call('close')
    await assertGossips(world, worker)

    const second = world.startWorker()
    await second.call('shazbotStart')
    await second.call('shazbotShutDown')
    await second.call('close')
    assert.equal(await withTimeout(second.exited, { within: ENDS_WITHIN, what: 'the end of the worker' }), 0)
    assert.equal(world.farewells(second).length, 1)
  })

  test('process.exit() in a worker ends its engine', async (t) => {
    const world = await createWorld(t)
    const worker = world.startWorker()
    await worker.call('shazbotStart')
    worker.call('exit', 3).catch(() => {})
    assert.equal(await withTimeout(worker.exited, { within: ENDS_WITHIN, what: 'the end of the worker' }), 3)
    await assertGossipStops(world, worker)
  })

  test('an uncaught exception in a worker ends its engine', async (t) => {
    const world = await createWorld(t)
    const worker = world.startWorker()
    await worker.call('shazbotStart')
    worker.call('throwLater').catch(() => {})
    assert.equal(await withTimeout(worker.exited, { within: ENDS_WITHIN, what: 'the end of the worker' }), 1)
    assert.equal(worker.error.message, 'boom')
    await assertGossipStops(world, worker)
  })

  test('a worker reads its own process.env at its start', async (t) => {
    const world = await createWorld(t)
    const worker = world.startWorker()
    await worker.call('setEnv', { SHAZBOT_SECRET: 'of the worker' })
    await worker.call('shazbotStart')
    assert.equal(world.from(worker)[0].headers.authorization, 'of the worker')
    await worker.call('setEnv', { SHAZBOT_SECRET: 'of its second engine' })
    await worker.call('shazbotShutDown')
    await worker.call('shazbotStart')
    assert.equal(world.from(worker).at(-1).headers.authorization, 'of its second engine')
  })

  test('a worker logs to its own console', async (t) => {
    const world = await createWorld(t)
    world.store.onGet = () => ({ status: 500, body: '' })
    const worker = world.startWorker()
    await worker.call('shazbotStart')
    await eventually(() => worker.stdout.includes('Clustershazbot engine started'), {
      what: 'the log of the start',
    })
    await eventually(() => worker.stderr.includes('Failed to download master list from'), {
      what: 'the failure',
    })
  })
})

test('50 workers started and ended in turn leak nothing', { timeout: 300_000 }, async (t) => {
  const world = await createWorld(t)
  const threads = () => (process.platform === 'linux' ? readdirSync('/proc/self/task').length : 0)
  const descriptors = () => (process.platform === 'linux' ? readdirSync('/proc/self/fd').length : 0)
  const lives = [
    (worker) => worker.terminate(),
    (worker) => worker.call('exit', 0).catch(() => {}),
    async (worker) => {
      await worker.call('shazbotShutDown')
      await worker.call('close')
    },
    (worker) => {
      worker.call('shazbotShutDown').catch(() => {})
      return worker.terminate()
    },
    async (worker) => {
      worker.call('shazbotStart').catch(() => {})
      await worker.terminate()
    },
  ]
  let before
  for (let i = 0; i < 50; i++) {
    if (i === 5) before = { threads: threads(), descriptors: descriptors() }
    const worker = world.startWorker()
    await worker.call('shazbotStart')
    await lives[i % lives.length](worker)
    await withTimeout(worker.exited, { within: ENDS_WITHIN, what: `the end of worker ${i}` })
  }
  // The last requests have arrived by then.
  await pause(1_000)
  const { length } = world.peer.requests
  await throughout(() => world.peer.requests.length === length, {
    lasting: 2_000,
    what: 'no further requests',
  })
  const after = { threads: threads(), descriptors: descriptors() }
  t.diagnostic(JSON.stringify({ before, after }))
  // Idle runtime threads come and go under load; a leak would show with each of 45 workers.
  assert.ok(after.threads <= before.threads + 12, 'threads')
  assert.ok(after.descriptors <= before.descriptors + 12, 'file descriptors')
})

/** Programs whose workers run engines, while the main thread runs none. */
const WORKERS = `
  const { Worker } = require('node:worker_threads')
  const start = (i) => new Promise((resolve) => {
    const program = 'const { parentPort, workerData } = require("node:worker_threads");' +
      'const shazbot = require(workerData);' +
      'shazbot.shazbotStart().then(() => parentPort.postMessage("started"))'
    const env = { ...process.env, SHAZBOT_BASE_URL: 'http://127.0.0.1:9/' + i + '/' }
    const worker = new Worker(program, { eval: true, env, workerData: ${JSON.stringify(SUBJECT)} })
    worker.once('message', () => resolve(worker))
  })`

describe('processes with worker threads', { concurrency: 2 }, () => {
  const env = { SHAZBOT_GOSSIP_INTERVAL: FAST }

  for (const how of [
    'process.exit(5)',
    'await Promise.reject(new Error("boom"))',
    'process.kill(process.pid)',
  ]) {
    const skip = process.platform === 'win32' && how.includes('kill') && 'Windows has no signals'
    test(`${how} ends a process at once while engines run in its workers`, { skip }, async (t) => {
      const { store } = await createWorld(t)
      const script = runScript(t, `${WORKERS}\nawait Promise.all([1, 2, 3, 4].map(start))\n${how}`, {
        store,
        env,
      })
      const { code, signal } = await withTimeout(script.exited, {
        within: 60_000,
        what: 'the end of the process',
      })
      const expected = { 'process.exit(5)': [5, null], 'process.kill(process.pid)': [null, 'SIGTERM'] }[how]
      assert.deepEqual([code, signal], expected ?? [1, null], script.stderr)
    })
  }

  test('workers come and go in a process whose main thread never loads the package', async (t) => {
    const { peer, store } = await createWorld(t)
    const program = `const { Worker } = require('node:worker_threads')
      for (let i = 0; i < 12; i++) {
        const program = 'const { workerData, parentPort } = require("node:worker_threads");' +
          'const shazbot = require(workerData.module);' +
          'shazbot.shazbotStart().then(() => workerData.ends && shazbot.shazbotShutDown())' +
          '.then(() => parentPort.postMessage("done"))'
        const worker = new Worker(program, { eval: true, workerData: { module: ${JSON.stringify(SUBJECT)}, ends: i % 2 } })
        const exited = new Promise((resolve) => worker.once('exit', resolve))
        await new Promise((resolve) => worker.once('message', resolve))
        if (i % 2 === 0) worker.terminate()
        await exited
      }
      console.log('all done')`
    const script = runScript(t, program, { store, env, loads: false })
    const { code } = await withTimeout(script.exited, { within: 90_000, what: 'the end of the process' })
    assert.equal(code, 0, script.stderr)
    assert.ok(script.said('all done'))
    assert.ok(peer.gossips.length >= 12)
  })
})
