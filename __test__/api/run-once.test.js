'use strict'

/** Functions that the owner of a key runs. */

const assert = require('node:assert/strict')
const { once } = require('node:events')
const { describe, test } = require('node:test')
const { setTimeout: pause } = require('node:timers/promises')
const { shazbotOwner, shazbotOwns, shazbotRunOnce } = require('../../js/owners')
const { entry } = require('../support/entries')
const { extension } = require('../support/native')
const { hangingMasterList } = require('../support/hanging-master-list')
const {
  BASE_URL,
  bringBack,
  captureConsole,
  drain,
  gossip,
  gossipNative,
  prepare,
  shazbot,
  start,
} = require('../support/in-process')

const OTHER = 'http://127.0.0.1:9/other/'
/** For tests that do not wait for a quiet view. */
const AT_ONCE = { quiet: 0 }
const NEVER = () => assert.fail('the function was called')

/** Keys that this server owns, or another one. */
const keyWhere = (isOwned) => {
  for (let number = 0; number < 1_000; number++)
    if (shazbotOwns(`job ${number}`) === isOwned) return `job ${number}`
  throw new Error('no such key')
}

/** A key that this server owns alone, but not beside the other one. */
async function keyToLose(t) {
  await start(t)
  await gossip({ online: [entry(OTHER)] })
  const key = keyWhere(false)
  await shazbot.shazbotShutDown()
  await shazbot.shazbotStart()
  assert.ok(shazbotOwns(key))
  return key
}

/** Runs a function until its signal aborts; resolves with the signal's reason. */
const untilAborted = async (signal) => {
  if (!signal.aborted) await once(signal, 'abort')
  return signal.reason
}

describe('the owner', () => {
  test('runs the function, and resolves with its value', async (t) => {
    await start(t)
    assert.deepEqual(await shazbotRunOnce('job', () => 5, AT_ONCE), { ran: true, value: 5 })
    const later = await shazbotRunOnce('job', async (signal) => signal.aborted, AT_ONCE)
    assert.deepEqual(later, { ran: true, value: false })
  })

  test('rejects with the error of the function', async (t) => {
    await start(t)
    const error = new Error('no')
    const fails = [
      () => {
        throw error
      },
      async () => {
        throw error
      },
    ]
    for (const fail of fails) await assert.rejects(shazbotRunOnce('job', fail, AT_ONCE), (it) => it === error)
  })

  test('runs it many times at once, without a warning', async (t) => {
    await start(t)
    const warned = []
    const warn = (warning) => warned.push(warning)
    process.on('warning', warn)
    t.after(() => process.off('warning', warn))
    const runs = Array.from({ length: 50 }, () => shazbotRunOnce('job', () => pause(10), AT_ONCE))
    assert.ok((await Promise.all(runs)).every(({ ran }) => ran))
    assert.deepEqual(warned, [])
  })
})

describe('the function is not called', () => {
  test('by another server than the owner', async (t) => {
    await start(t)
    await gossip({ online: [entry(OTHER)] })
    const result = await shazbotRunOnce(keyWhere(false), NEVER, AT_ONCE)
    assert.deepEqual(result, { ran: false, why: 'not owner', owner: shazbotOwner(keyWhere(false)) })
    assert.equal(result.owner.baseUrl, OTHER)
    assert.ok((await shazbotRunOnce(keyWhere(true), () => {}, AT_ONCE)).ran)
  })

  test('among fewer servers than asked for', async (t) => {
    await start(t)
    const tooFew = { ran: false, why: 'too few' }
    assert.deepEqual(await shazbotRunOnce('job', NEVER, { ...AT_ONCE, atLeast: 2 }), tooFew)
    await gossip({ online: [entry(OTHER)] })
    assert.deepEqual(await shazbotRunOnce('job', NEVER, { ...AT_ONCE, atLeast: 3 }), tooFew)
    assert.ok((await shazbotRunOnce(keyWhere(true), () => {}, { ...AT_ONCE, atLeast: 2 })).ran)
  })

  test('by a drained server, which does not wait', async (t) => {
    await start(t)
    await drain()
    assert.deepEqual(await shazbotRunOnce('job', NEVER), { ran: false, why: 'drained' })
    await bringBack()
    assert.ok((await shazbotRunOnce('job', () => {}, AT_ONCE)).ran)
  })

  test('without an engine', async (t) => {
    const notStarted = { ran: false, why: 'not started' }
    assert.deepEqual(await shazbotRunOnce('job', NEVER), notStarted)
    await start(t)
    await shazbot.shazbotShutDown()
    assert.deepEqual(await shazbotRunOnce('job', NEVER), notStarted)
  })

  test('by a server that shuts down meanwhile', async (t) => {
    await start(t)
    const run = shazbotRunOnce('job', NEVER, { quiet: 10_000 })
    const end = shazbot.shazbotShutDown()
    assert.deepEqual(await run, { ran: false, why: 'drained' })
    await end
  })

  test('while the server starts', async (t) => {
    await prepare(t, { store: await hangingMasterList(t) })
    captureConsole(t)
    shazbot.shazbotStart().catch(() => {})
    assert.deepEqual(await shazbotRunOnce('job', NEVER, { quiet: 0, within: 50 }), {
      ran: false,
      why: 'not settled',
    })
  })

  test('by the instances of PM2 after the first, unless each has its own URL', async (t) => {
    await start(t)
    const set = (variables) => Object.assign(process.env, variables)
    const names = ['pm_id', 'exec_mode', 'NODE_APP_INSTANCE', 'instance_var', 'increment_var', 'NUMBER']
    const unset = () => {
      for (const name of names) delete process.env[name]
    }
    t.after(unset)
    const ran = async () => {
      const { ran, why } = await shazbotRunOnce('job', () => {}, AT_ONCE)
      return ran || why
    }
    const further = { pm_id: '4', exec_mode: 'cluster_mode', NODE_APP_INSTANCE: '1' }
    set(further)
    assert.equal(await ran(), 'not owner')
    set({ NODE_APP_INSTANCE: '0' })
    assert.equal(await ran(), true)
    set({ instance_var: 'NUMBER', NUMBER: '2' })
    assert.equal(await ran(), 'not owner')
    set({ increment_var: 'PORT' })
    assert.equal(await ran(), true)
    unset()
    set({ ...further, exec_mode: 'fork_mode' })
    assert.equal(await ran(), true)
  })
})

test('one warning says that siblings own the same keys', async (t) => {
  const { lines } = await start(t)
  const warnings = () => lines.filter(({ severity }) => severity === 'warn').map(({ values }) => values[0])
  await shazbotRunOnce('job', () => {}, AT_ONCE)
  assert.deepEqual(warnings(), [])
  await gossipNative({ v2: extension(BASE_URL, { id: 'beef' }) })
  for (let run = 0; run < 3; run++) assert.ok((await shazbotRunOnce('job', () => {}, AT_ONCE)).ran)
  const expected = `several processes use the URL ${BASE_URL}, and each of them runs what this server owns`
  assert.deepEqual(warnings(), [`Clustershazbot: ${expected}`])
})

describe('a settled view', () => {
  test('is waited for since the latest news', async (t) => {
    await start(t)
    await gossip({ online: [entry(OTHER)] })
    const key = keyWhere(true)
    const began = performance.now()
    const run = shazbotRunOnce(key, () => performance.now() - began, { quiet: 300 })
    await pause(150)
    await gossip({ offline: [entry(OTHER, Date.now() + 1_000)], online: [] })
    const { value } = await run
    assert.ok(value > 440 && value < 5_000, `${value} ms`)
  })

  test('comes after the start', async (t) => {
    await prepare(t)
    captureConsole(t)
    const began = performance.now()
    const start = shazbot.shazbotStart()
    const run = shazbotRunOnce('job', () => performance.now() - began, AT_ONCE)
    await start
    const { value } = await run
    assert.ok(value < 5_000, `${value} ms`)
  })

  test('is waited for no longer than asked for', async (t) => {
    await start(t)
    const began = performance.now()
    const result = await shazbotRunOnce('job', NEVER, { quiet: 60_000, within: 100 })
    const lasted = performance.now() - began
    assert.deepEqual(result, { ran: false, why: 'not settled' })
    assert.ok(lasted >= 99 && lasted < 5_000, `${lasted} ms`)
  })

  test('need not be waited for if it is quiet already', async (t) => {
    await start(t)
    await pause(250)
    const run = shazbotRunOnce('job', () => {}, { quiet: 200, within: 0 })
    assert.ok((await run).ran)
  })
})

describe("the function's signal aborts", () => {
  const lost = (reason, message) => {
    assert.equal(reason.name, 'AbortError')
    assert.match(reason.message, message)
  }

  test('when another server becomes the owner', async (t) => {
    const key = await keyToLose(t)
    const run = shazbotRunOnce(key, untilAborted, AT_ONCE)
    await pause(50)
    await gossip({ online: [entry('http://127.0.0.1:9/unrelated/')] })
    assert.ok(shazbotOwns(key), 'another server may come')
    await gossip({ online: [entry(OTHER)] })
    const { ran, value } = await run
    assert.equal(ran, true)
    lost(value, /another server owns the key/)
  })

  test('when the server is drained', async (t) => {
    await start(t)
    const run = shazbotRunOnce('job', untilAborted, AT_ONCE)
    await pause(50)
    await drain()
    lost((await run).value, /drained or shuts down/)
  })

  test('when the server shuts down', async (t) => {
    await start(t)
    const run = shazbotRunOnce('job', untilAborted, AT_ONCE)
    await pause(50)
    await shazbot.shazbotShutDown()
    lost((await run).value, /drained or shuts down/)
  })

  test("when the caller's signal does, with the same reason", async (t) => {
    await start(t)
    const controller = new AbortController()
    const run = shazbotRunOnce('job', untilAborted, { ...AT_ONCE, signal: controller.signal })
    await pause(50)
    controller.abort('enough')
    assert.deepEqual(await run, { ran: true, value: 'enough' })
  })

  test('not after the function has ended', async (t) => {
    await start(t)
    const { value: signal } = await shazbotRunOnce('job', (its) => its, AT_ONCE)
    await drain()
    await pause(50)
    assert.equal(signal.aborted, false)
  })
})

describe("the caller's signal", () => {
  test('ends the wait', async (t) => {
    await start(t)
    const controller = new AbortController()
    const run = shazbotRunOnce('job', NEVER, { quiet: 60_000, signal: controller.signal })
    controller.abort(new Error('enough'))
    await assert.rejects(run, /enough/)
    await assert.rejects(
      shazbotRunOnce('job', NEVER, { signal: AbortSignal.abort('no') }),
      (it) => it === 'no',
    )
  })
})

describe('bad input', () => {
  const rejects = (values, expected) => assert.rejects(shazbotRunOnce(...values), expected)

  test('a key that is no string, or no function', async () => {
    for (const key of [undefined, 1, {}, Symbol('s')])
      await rejects([key, NEVER], { name: 'TypeError', message: /^The argument key must be a string/ })
    for (const run of [undefined, 'run', {}])
      await rejects(['key', run], { name: 'TypeError', message: /^The argument run must be a function/ })
  })

  test('options, whose error names them', async () => {
    for (const name of ['quiet', 'within', 'atLeast']) {
      for (const value of [-1, Number.NaN, '1', Infinity, null, 2n])
        await rejects(['key', NEVER, { [name]: value }], {
          name: 'RangeError',
          message: new RegExp(`^The option ${name} must be `),
        })
    }
    await rejects(['key', NEVER, { atLeast: 1.5 }], { name: 'RangeError' })
    for (const signal of [null, 'signal', {}, new AbortController()])
      await rejects(['key', NEVER, { signal }], { name: 'TypeError', message: /^The option signal must be/ })
    for (const options of [null, 5, 'options']) await rejects(['key', NEVER, options], { name: 'TypeError' })
  })
})
