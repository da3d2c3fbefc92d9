'use strict'

const assert = require('node:assert/strict')
const { once } = require('node:events')
const { describe, test } = require('node:test')
const { Worker } = require('node:worker_threads')
const { shazbotDrain, shazbotReady, shazbotResume } = require('clustershazbot/health')
const { BASE_URL, bringBack, drain, gossip, prepare, shazbot, start } = require('../support/in-process')
const { aWhileAgo, entry, isOffline, isOnline } = require('../support/entries')
const { eventually, throughout } = require('../support/eventually')
const { hangingMasterList } = require('../support/hanging-master-list')

const NOT_STARTED = { message: 'Clustershazbot engine not started', code: 'SHAZBOT_NOT_STARTED', status: 503 }

/** Where nobody listens. */
const deadServer = (name) => entry(`http://127.0.0.1:9/${name}/`, aWhileAgo())

const isShown = () => isOnline(shazbot.shazbotGetServerList(true), BASE_URL)
const isHidden = () => isOffline(shazbot.shazbotGetServerList(true), BASE_URL)

describe('ready', () => {
  test('from the end of the start to the beginning of the shutdown', async (t) => {
    await prepare(t)
    assert.equal(shazbotReady(), false)
    const starting = shazbot.shazbotStart()
    assert.equal(shazbotReady(), false)
    await starting
    assert.equal(shazbotReady(), true)
    const leaving = shazbot.shazbotShutDown()
    assert.equal(shazbotReady(), false)
    await leaving
    assert.equal(shazbotReady(), false)
    await shazbot.shazbotStart()
    assert.equal(shazbotReady(), true)
  })

  test('not while a start waits for the master list', async (t) => {
    await prepare(t, { store: await hangingMasterList(t) })
    const starting = shazbot.shazbotStart()
    await throughout(() => !shazbotReady(), { lasting: 500, what: 'no readiness' })
    await shazbot.shazbotShutDown()
    await starting
  })

  test('whatever the others do and say', async (t) => {
    await start(t, { env: { SHAZBOT_GOSSIP_INTERVAL: '0.2', SHAZBOT_PROBE_INTERVAL: '0.2' } })
    const names = Array.from({ length: 20 }, (_, index) => `dead-${index}`)
    await gossip({ online: names.map(deadServer) })
    await gossip({ online: [], offline: [entry(BASE_URL, Date.now() + 1_000)] })
    await eventually(
      () => {
        assert.ok(shazbotReady())
        return names.every((name) => isOffline(shazbot.shazbotGetServerList(true), deadServer(name).baseUrl))
      },
      { what: 'the death of all others' },
    )
    assert.ok(shazbotReady())
  })
})

test('a worker has a readiness of its own', async (t) => {
  await start(t)
  const program = `
    const { parentPort } = require('node:worker_threads')
    const { shazbotShutDown, shazbotStart } = require('clustershazbot')
    const { shazbotDrain, shazbotReady } = require('clustershazbot/health')
    async function main() {
      const seen = [shazbotReady()]
      await shazbotStart()
      seen.push(shazbotReady())
      shazbotDrain()
      seen.push(shazbotReady())
      await shazbotShutDown()
      parentPort.postMessage(seen)
    }
    main()`
  const own = { SHAZBOT_BASE_URL: 'http://127.0.0.1:9/worker/', SHAZBOT_LOG: 'silent' }
  const worker = new Worker(program, { eval: true, env: { ...process.env, ...own } })
  assert.deepEqual((await once(worker, 'message'))[0], [false, true, false])
  assert.equal(shazbotReady(), true)
})

describe('draining and resuming', () => {
  test('take effect at once, like a control message', async (t) => {
    await start(t)
    shazbotDrain()
    assert.equal(shazbotReady(), false)
    assert.ok(isHidden())
    shazbotDrain()
    assert.ok(isHidden())
    shazbotResume()
    assert.equal(shazbotReady(), true)
    assert.ok(isShown())
    shazbotResume()
    assert.ok(isShown())

    await drain()
    assert.equal(shazbotReady(), false)
    shazbotResume()
    assert.ok(isShown())
    shazbotDrain()
    await bringBack()
    assert.equal(shazbotReady(), true)
  })

  test('a drain during the start lasts', async (t) => {
    await prepare(t)
    const starting = shazbot.shazbotStart()
    shazbotDrain()
    await starting
    assert.equal(shazbotReady(), false)
    assert.ok(isHidden())
    shazbotResume()
    assert.equal(shazbotReady(), true)
  })

  test('change nothing while the server leaves', async (t) => {
    await start(t)
    const leaving = shazbot.shazbotShutDown()
    shazbotDrain()
    shazbotResume()
    assert.equal(shazbotReady(), false)
    assert.ok(isHidden())
    await leaving
  })

  test('report that no engine runs', async (t) => {
    assert.throws(shazbotDrain, NOT_STARTED)
    assert.throws(shazbotResume, NOT_STARTED)
    await start(t)
    await shazbot.shazbotShutDown()
    assert.throws(shazbotDrain, NOT_STARTED)
    assert.throws(shazbotResume, NOT_STARTED)
  })
})
