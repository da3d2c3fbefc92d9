'use strict'

const { describe, test } = require('node:test')
const assert = require('node:assert/strict')
const { shazbot, BASE_URL, captureConsole, prepare, start } = require('../support/in-process')
const { createFakePeer } = require('../support/fake-peer')
const { createMasterListStore } = require('../support/master-list-store')
const { startSubject } = require('../support/subject')
const { CONTROL_SECRET, SECRET } = require('../support/environment')
const { aWhileAgo, find, isOnline } = require('../support/entries')
const { eventually, throughout } = require('../support/eventually')

const { shazbotStart, shazbotShutDown, shazbotGossipRequest, shazbotListRequest, shazbotGetServerList } =
  shazbot

const REQUIRED = [
  'SHAZBOT_SECRET',
  'SHAZBOT_CONTROL_SECRET',
  'SHAZBOT_MASTER_LIST',
  'SHAZBOT_MASTER_LIST_UPDATE',
  'SHAZBOT_MASTER_LIST_UPDATE_AUTH',
  'SHAZBOT_BASE_URL',
]
const NUMBERS = [
  'SHAZBOT_GOSSIP_INTERVAL',
  'SHAZBOT_MASTER_ANNOUNCE_MINIMUM',
  'SHAZBOT_MASTER_ANNOUNCE_INTERVAL',
  'SHAZBOT_PROBE_INTERVAL',
]
const FLAGS = ['SHAZBOT_MONITOR', 'SHAZBOT_UPDATE_MASTER_LIST_ON_SHUTDOWN']

const own = () => find(shazbotGetServerList().online, BASE_URL)

/** Sets variables of this process; undefined removes one. */
function set(variables) {
  for (const [name, value] of Object.entries(variables)) {
    if (value === undefined) delete process.env[name]
    else process.env[name] = value
  }
}

/** Returns whether an engine starts with the current environment; shuts it down again. */
async function accepts() {
  try {
    await shazbotStart()
  } catch (error) {
    assert.equal(error.code, 'SHAZBOT_CONFIG')
    return false
  }
  await shazbotShutDown()
  return true
}

describe('configuration: required variables', () => {
  test('the error names the first missing one, in order', async (t) => {
    captureConsole(t)
    await prepare(t)
    const values = Object.fromEntries(REQUIRED.map((name) => [name, process.env[name]]))
    set(Object.fromEntries(REQUIRED.map((name) => [name, undefined])))
    for (const name of REQUIRED) {
      for (const missing of [undefined, '', ' \t\n']) {
        set({ [name]: missing })
        await assert.rejects(shazbotStart(), { message: `Environment variable ${name} is required` })
        assert.throws(() => shazbotGetServerList(), { code: 'SHAZBOT_NOT_STARTED' })
      }
      set({ [name]: values[name] })
    }
    await shazbotStart()
    assert.equal(shazbotGetServerList().online.length, 1, 'a later start succeeds')
  })

  test('a missing one is reported before an invalid one', async (t) => {
    captureConsole(t)
    await prepare(t, {
      env: { SHAZBOT_GOSSIP_INTERVAL: 'never', SHAZBOT_MASTER_LIST: '?', SHAZBOT_BASE_URL: undefined },
    })
    await assert.rejects(shazbotStart(), { message: 'Environment variable SHAZBOT_BASE_URL is required' })
  })

  test('all concurrent starts reject, without any request', async (t) => {
    captureConsole(t)
    const { store } = await prepare(t, { env: { SHAZBOT_MASTER_LIST_UPDATE: undefined } })
    const results = await Promise.allSettled([shazbotStart(), shazbotStart(), shazbotStart()])
    for (const { reason } of results) {
      assert.equal(reason.message, 'Environment variable SHAZBOT_MASTER_LIST_UPDATE is required')
    }
    assert.equal(store.requests.length, 0)
  })

  test('the environment is read when the engine starts', async (t) => {
    captureConsole(t)
    await prepare(t)
    set({ SHAZBOT_SECRET: 'set later' })
    await shazbotStart()
    set({ SHAZBOT_SECRET: 'set too late' })
    await shazbotGossipRequest('set later', { message: 'gossip', online: [] })
  })
})

describe('configuration: numbers', () => {
  for (const name of NUMBERS) {
    test(`${name} is read like parseInt, with decimals`, async (t) => {
      captureConsole(t)
      await prepare(t)
      for (const value of [
        '30',
        '30s',
        ' 30 ',
        '+30',
        '030',
        '30abc',
        '1e3',
        '0.5',
        '.5',
        '5.',
        '5.5.5',
        '86400',
        '99999999999999999999',
        '',
      ]) {
        set({ [name]: value })
        assert.ok(await accepts(), JSON.stringify(value))
      }
      for (const value of ['abc', '-1', '-0.5', 's30', 'NaN', 'Infinity', '.', '-', '+', 'true', '$5']) {
        set({ [name]: value })
        assert.ok(!(await accepts()), JSON.stringify(value))
      }
    })
  }

  test('0 is invalid as gossip interval, but valid for the others', async (t) => {
    captureConsole(t)
    await prepare(t)
    for (const [name, isLegal] of Object.entries({
      [NUMBERS[0]]: false,
      [NUMBERS[1]]: true,
      [NUMBERS[2]]: true,
      [NUMBERS[3]]: true,
    })) {
      for (const value of ['0', '0.0', '0s', '00']) {
        set({ [name]: value })
        assert.equal(await accepts(), isLegal, `${name}=${value}`)
      }
      set({ [name]: undefined })
    }
  })

  test('an error about a number names the variable and its accepted values', async (t) => {
    await prepare(t)
    for (const name of NUMBERS) {
      set({ [name]: 'soon' })
      await assert.rejects(shazbotStart(), ({ message }) =>
        message.includes(`${name} must be a number of seconds`),
      )
      set({ [name]: undefined })
    }
  })
})

describe('configuration: flags', () => {
  const TRUE = ['true', 'TRUE', 'True', ' true\n']
  const FALSE = ['false', 'FALSE', '', ' ', undefined]
  const ODD = ['1', 'yes', 'on', 'truely', 'wahr', '0', 'no']

  for (const name of FLAGS) {
    test(`${name} is true only for true, and other values cause a warning`, async (t) => {
      const lines = captureConsole(t)
      const { store } = await prepare(t)
      for (const value of [...TRUE, ...FALSE, ...ODD]) {
        lines.length = 0
        set({ [name]: value })
        await shazbotStart()
        // The warning comes from another thread.
        const warnings = () =>
          lines.filter(({ severity }) => severity === 'warn').map(({ values }) => values.join(' '))
        if (ODD.includes(value)) {
          await eventually(() => warnings().some((text) => text.includes(name)), {
            what: `a warning about ${name}=${value}`,
          })
        }
        const monitor = own().monitor
        const before = store.gets.length
        await shazbotShutDown()
        const isTrue = name === 'SHAZBOT_MONITOR' ? monitor : store.gets.length > before
        assert.equal(isTrue, TRUE.includes(value), `${name}=${value}`)
        if (!ODD.includes(value)) assert.deepEqual(warnings(), [])
      }
    })
  }
})

describe('configuration: secrets and the environment', () => {
  test('whitespace around secrets is ignored, in variables and headers', async (t) => {
    await start(t, {
      env: { SHAZBOT_SECRET: `\t ${SECRET} \r\n`, SHAZBOT_CONTROL_SECRET: `${CONTROL_SECRET}\n` },
    })
    for (const header of [SECRET, ` ${SECRET}`, `${SECRET}\t`]) {
      await shazbotGossipRequest(header, { message: 'gossip', online: [] })
    }
    assert.ok((await shazbotListRequest(` ${CONTROL_SECRET} `)).offline)
    await assert.rejects(shazbotGossipRequest(SECRET.replace('-', ' -'), { message: 'gossip', online: [] }), {
      code: 'SHAZBOT_UNAUTHORIZED',
    })
  })

  test('a secret that is not a valid header value is rejected by name', async (t) => {
    await prepare(t)
    for (const name of ['SHAZBOT_SECRET', 'SHAZBOT_CONTROL_SECRET', 'SHAZBOT_MASTER_LIST_UPDATE_AUTH']) {
      const before = process.env[name]
      for (const value of ['a\nb', 'a\rb', 'a\u0001b', 'a\u007fb', 'price: 5 €', '🎉']) {
        set({ [name]: value })
        await assert.rejects(
          shazbotStart(),
          ({ code, message }) => code === 'SHAZBOT_CONFIG' && message.includes(`${name} `),
        )
      }
      set({ [name]: before })
    }
  })

  test('an invalid pattern of SHAZBOT_ALLOW is rejected by name, without any request', async (t) => {
    captureConsole(t)
    const { store } = await prepare(t)
    set({ SHAZBOT_ALLOW: '10.0.0.0/8\nweb-1:http' })
    await assert.rejects(shazbotStart(), {
      code: 'SHAZBOT_CONFIG',
      message:
        'Environment variable SHAZBOT_ALLOW must be patterns with a port from 1 to 65535, or without one, ' +
        'not "web-1:http"',
    })
    assert.equal(store.requests.length, 0)
    set({ SHAZBOT_ALLOW: ' \n' })
    assert.ok(await accepts(), 'an empty one means all servers')
  })

  test('process.env may be replaced by a plain object', async (t) => {
    captureConsole(t)
    await prepare(t)
    const real = process.env
    t.after(() => {
      process.env = real
    })
    const replaced = {
      ...real,
      SHAZBOT_SECRET: 'replaced',
      SHAZBOT_MONITOR: 'true',
      SHAZBOT_GOSSIP_INTERVAL: 5,
      UNRELATED: {},
    }
    process.env = replaced
    await shazbotStart()
    await shazbotGossipRequest('replaced', { message: 'gossip', online: [] })
    assert.equal(own().monitor, true)
    await shazbotShutDown()

    process.env = Object.freeze(Object.assign(Object.create(null), { ...replaced, SHAZBOT_SECRET: 'bare' }))
    await shazbotStart()
    await shazbotGossipRequest('bare', { message: 'gossip', online: [] })
    await shazbotShutDown()

    process.env = { ...replaced, SHAZBOT_MONITOR: true, SHAZBOT_GOSSIP_INTERVAL: 5 }
    await shazbotStart()
    assert.equal(own().monitor, true, 'a flag need not be a string')
    await shazbotShutDown()

    process.env = { ...replaced, SHAZBOT_GOSSIP_INTERVAL: -5 }
    await assert.rejects(shazbotStart(), /SHAZBOT_GOSSIP_INTERVAL/, 'nor need a number')

    process.env = {}
    await assert.rejects(shazbotStart(), { message: 'Environment variable SHAZBOT_SECRET is required' })
  })

  test('variables of the process are not changed', async (t) => {
    captureConsole(t)
    await prepare(t, { env: { SHAZBOT_SECRET: ` ${SECRET} ` } })
    const before = { ...process.env }
    await shazbotStart()
    await shazbotShutDown()
    assert.deepEqual({ ...process.env }, before)
  })
})

describe('configuration: effects', { concurrency: 8 }, () => {
  const gaps = (requests) => requests.slice(1).map(({ at }, i) => at - requests[i].at)

  test('decimals of seconds are respected', async (t) => {
    const peer = await createFakePeer(t)
    await startSubject(t, { servers: [peer.entry(aWhileAgo())], env: { SHAZBOT_GOSSIP_INTERVAL: '0.5s' } })
    await eventually(() => peer.gossips.length >= 8, { what: 'seven rounds' })
    const pauses = gaps(peer.gossips)
    assert.ok(Math.min(...pauses) > 430, `${pauses}`)
    assert.ok(Math.min(...pauses) < 800, `${pauses}`)
  })

  test('a gossip interval below 0.2 s counts as 0.2 s', async (t) => {
    const peer = await createFakePeer(t)
    await startSubject(t, { servers: [peer.entry(aWhileAgo())], env: { SHAZBOT_GOSSIP_INTERVAL: '0.0001' } })
    await eventually(() => peer.gossips.length >= 12, { what: 'eleven rounds' })
    const pauses = gaps(peer.gossips.slice(1))
    assert.ok(pauses.reduce((a, b) => a + b) / pauses.length > 175, `${pauses}`)
  })

  test('a number above a day causes no request storm', async (t) => {
    const peer = await createFakePeer(t)
    const store = await createMasterListStore(t, { servers: [peer.entry(aWhileAgo())] })
    const huge = '99999999999999999999'
    const env = Object.fromEntries(NUMBERS.map((name) => [name, huge]))
    await startSubject(t, { store, env })
    await throughout(() => store.requests.length === 1 && peer.gossips.length === 1, {
      lasting: 2_500,
      what: 'no requests',
    })
  })

  test('minimum and interval of the announcements add up, and either may be 0', async (t) => {
    const [short, none] = [await createMasterListStore(t), await createMasterListStore(t)]
    await Promise.all([
      startSubject(t, {
        store: short,
        env: { SHAZBOT_MASTER_ANNOUNCE_MINIMUM: '2', SHAZBOT_MASTER_ANNOUNCE_INTERVAL: '0' },
      }),
      startSubject(t, {
        store: none,
        env: { SHAZBOT_MASTER_ANNOUNCE_MINIMUM: '0', SHAZBOT_MASTER_ANNOUNCE_INTERVAL: '0' },
      }),
    ])
    await eventually(() => short.gets.length >= 3 && none.gets.length >= 4, { what: 'announcements' })
    // Late downloads make the next gap seem short, so the sum and the shortest gap are checked.
    for (const [{ gets }, pace] of [
      [short, 2_000],
      [none, 1_000],
    ]) {
      const pauses = gaps(gets)
      assert.ok(gets.at(-1).at - gets[0].at > pauses.length * pace - 500, `${pauses}`)
      assert.ok(Math.min(...pauses) < pace + 900, `${pauses}`)
    }
  })

  test('only the announcement interval is random', async (t) => {
    const store = await createMasterListStore(t)
    const env = { SHAZBOT_MASTER_ANNOUNCE_MINIMUM: '0', SHAZBOT_MASTER_ANNOUNCE_INTERVAL: '1.5' }
    await startSubject(t, { store, env })
    await eventually(() => store.gets.length >= 12, { within: 60_000, what: 'announcements' })
    const pauses = gaps(store.gets)
    const median = pauses.toSorted((a, b) => a - b)[5]
    assert.ok(median < 1_500 + 300, `${pauses}`)
    assert.ok(Math.max(...pauses) - Math.min(...pauses) > 200, `they are spread: ${pauses}`)
  })

  test('peers receive SHAZBOT_MONITOR', async (t) => {
    const peer = await createFakePeer(t)
    const { app } = await startSubject(t, {
      servers: [peer.entry(aWhileAgo())],
      env: { SHAZBOT_MONITOR: 'True' },
    })
    assert.equal(find(peer.gossips[0].json.online, app.baseUrl).monitor, true)
  })

  test('without SHAZBOT_UPDATE_MASTER_LIST_ON_SHUTDOWN a shutdown does not change the list', async (t) => {
    const peer = await createFakePeer(t)
    const { app, store } = await startSubject(t, { servers: [peer.entry(aWhileAgo())] })
    assert.ok(isOnline(await app.list(), app.baseUrl))
    const { length } = store.requests
    await app.leave()
    assert.equal(store.requests.length, length)
  })
})
