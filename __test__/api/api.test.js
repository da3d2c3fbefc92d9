'use strict'

const { describe, test } = require('node:test')
const assert = require('node:assert/strict')
const { shazbot, BASE_URL, prepare, start, gossip, drain, bringBack } = require('../support/in-process')
const { SECRET, CONTROL_SECRET } = require('../support/environment')
const { entry, find, isOffline, isOnline, urlsOf } = require('../support/entries')
const { eventually } = require('../support/eventually')

const {
  shazbotStart,
  shazbotShutDown,
  shazbotGossipRequest,
  shazbotListRequest,
  shazbotControlRequest,
  shazbotGetServerList,
} = shazbot

const EMPTY_GOSSIP = { message: 'gossip', online: [], offline: [] }

/**
 * Nothing listens there. Only this server's own checks, some time later, would change its status.
 */
const stranger = (name, lastUpdate = Date.now()) => entry(`http://127.0.0.1:9/${name}/`, lastUpdate)

function assertPlain(value) {
  const expected = Array.isArray(value) ? Array.prototype : Object.prototype
  assert.equal(Object.getPrototypeOf(value), expected)
  for (const key of Reflect.ownKeys(value)) {
    if (key === 'length') continue
    const { writable, enumerable, configurable, value: inner } = Object.getOwnPropertyDescriptor(value, key)
    assert.deepEqual(
      { writable, enumerable, configurable },
      { writable: true, enumerable: true, configurable: true },
    )
    if (typeof inner === 'object') assertPlain(inner)
  }
}

function assertEntries(servers) {
  assert.ok(Array.isArray(servers))
  for (const server of servers) {
    assert.deepEqual(Object.keys(server), ['baseUrl', 'monitor', 'lastUpdate'])
    assert.deepEqual([typeof server.baseUrl, typeof server.monitor], ['string', 'boolean'])
    assert.ok(Number.isSafeInteger(server.lastUpdate))
  }
}

describe('the functions', () => {
  test('are exactly six, by name', () => {
    const names = [
      'shazbotStart',
      'shazbotShutDown',
      'shazbotGossipRequest',
      'shazbotListRequest',
      'shazbotControlRequest',
      'shazbotGetServerList',
    ]
    assert.deepEqual(Object.keys(shazbot).sort(), names.sort())
    for (const name of names) {
      assert.equal(typeof shazbot[name], 'function')
      assert.equal(shazbot[name].name, name)
    }
  })

  test('work without `this`', async (t) => {
    await start(t)
    assert.ok(shazbotGetServerList.call(undefined).online.length === 1)
    assert.ok((await shazbotListRequest.call(null, '')).online.length === 1)
  })

  test('return promises, except for one', async (t) => {
    await prepare(t)
    const promises = [
      shazbotStart(),
      shazbotGossipRequest(SECRET, EMPTY_GOSSIP),
      shazbotListRequest(''),
      shazbotControlRequest(CONTROL_SECRET, { message: 'control', online: true }),
      shazbotShutDown(),
    ]
    for (const promise of promises) assert.ok(promise instanceof Promise)
    await Promise.all(promises)
  })
})

describe('gossip requests', () => {
  test('the response and its entries have three keys in order', async (t) => {
    await start(t)
    const answer = await gossip({ online: [stranger('a')], offline: [stranger('b')] })
    assert.deepEqual(Object.keys(answer), ['message', 'online', 'offline'])
    assert.equal(answer.message, 'gossip')
    assertEntries(answer.online)
    assertEntries(answer.offline)
    assertPlain(answer)
    assert.deepEqual(urlsOf(answer.online), [stranger('a').baseUrl, BASE_URL].sort())
    assert.deepEqual(urlsOf(answer.offline), [stranger('b').baseUrl])
  })

  test('each request refreshes its own stamp, which strictly grows', async (t) => {
    await start(t)
    let last = find(shazbotGetServerList().online, BASE_URL).lastUpdate
    for (let i = 0; i < 100; i++) {
      const { lastUpdate } = find((await gossip({ online: [] })).online, BASE_URL)
      assert.ok(lastUpdate > last, `${lastUpdate} after ${last}`)
      last = lastUpdate
    }
    assert.equal(
      find(shazbotGetServerList().online, BASE_URL).lastUpdate,
      last,
      'reading does not refresh it',
    )
  })

  test('the effect is visible once the promise has resolved', async (t) => {
    await start(t)
    await gossip({ online: [stranger('seen')] })
    assert.ok(isOnline(shazbotGetServerList(), stranger('seen').baseUrl))
  })

  test('`message`, unknown keys and a missing `offline` are ignored', async (t) => {
    await start(t)
    const bodies = [
      { online: [stranger('1')] },
      { message: 'control', online: [stranger('2')] },
      { message: 42, online: [stranger('3')], offline: undefined },
      { message: 'gossip', online: [{ ...stranger('4'), weight: 1, tags: ['x'] }], extra: { deep: [] } },
      Object.assign(Object.create(null), { online: [stranger('5')] }),
      Object.freeze({ online: Object.freeze([Object.freeze(stranger('6'))]) }),
    ]
    for (const [i, body] of bodies.entries()) {
      const answer = await shazbotGossipRequest(SECRET, body)
      const server = find(answer.online, stranger(i + 1).baseUrl)
      assert.deepEqual(Object.keys(server), ['baseUrl', 'monitor', 'lastUpdate'])
    }
  })

  test('a newer entry wins, an equal or older one changes nothing', async (t) => {
    await start(t)
    const now = Date.now()
    const shown = (list) => find(list.online, stranger('x').baseUrl)
    for (const [lastUpdate, monitor, expected] of [
      [now, false, [now, false]],
      [now, true, [now, false]],
      [now - 1, true, [now, false]],
      [now + 1, true, [now + 1, true]],
    ]) {
      const { lastUpdate: seen, monitor: flag } = shown(
        await gossip({ online: [{ ...stranger('x'), lastUpdate, monitor }] }),
      )
      assert.deepEqual([seen, flag], expected)
    }
  })

  test('10,000 entries are merged and returned', async (t) => {
    await start(t, { env: { SHAZBOT_GOSSIP_INTERVAL: '60' } })
    const now = Date.now()
    const online = Array.from({ length: 9_000 }, (_, i) => ({
      ...entry(`http://127.0.0.1:9/member-${i}/`, now - i),
      monitor: i % 7 === 0,
    }))
    const offline = Array.from({ length: 1_000 }, (_, i) => entry(`http://127.0.0.1:9/gone-${i}/`, now - i))
    const answer = await gossip({ online, offline })
    // Its own checks may have found some of them dead.
    const byUrl = new Map([...answer.online, ...answer.offline].map((server) => [server.baseUrl, server]))
    assert.equal(answer.online.length + answer.offline.length, 10_001)
    assert.equal(byUrl.size, 10_001)
    for (const server of [...online, ...offline]) assert.deepEqual(byUrl.get(server.baseUrl), server)
    const { online: again, offline: goneAgain } = shazbotGetServerList(true)
    assert.equal(again.length + goneAgain.length, 10_001)
  })

  test('non-ASCII text and unusual characters are harmless', async (t) => {
    await start(t)
    const odd = [
      'http://127.0.0.1:9/ä€🎉/',
      'http://127.0.0.1:9/\ud800/',
      'http://127.0.0.1:9/a\nb/',
      'http://127.0.0.1:9/a\0b/',
      '\n',
      '',
    ]
    const answer = await gossip({ online: [...odd.map((url) => entry(url)), stranger('fine')] })
    assert.ok(isOnline(answer, stranger('fine').baseUrl), 'the last one, which a wrong count would shift')
    assert.equal(find(answer.online, stranger('fine').baseUrl).monitor, false)
    for (const { baseUrl } of answer.online) assert.ok(URL.canParse(baseUrl), baseUrl)
  })

  test('a body with getters, proxies or throwing accessors is harmless', async (t) => {
    await start(t)
    const lazy = {
      get online() {
        return [stranger('lazy')]
      },
    }
    assert.ok(isOnline(await shazbotGossipRequest(SECRET, lazy), stranger('lazy').baseUrl))
    assert.ok(isOnline(await shazbotGossipRequest(SECRET, new Proxy(lazy, {})), stranger('lazy').baseUrl))
    const throwing = {
      get baseUrl() {
        throw new Error('boom')
      },
    }
    const answer = await gossip({ online: [throwing, stranger('after')] })
    assert.ok(isOnline(answer, stranger('after').baseUrl), 'one bad entry is skipped')
  })

  test('an endless list is rejected at once', async (t) => {
    await start(t)
    const endless = []
    endless.length = 2 ** 32 - 1
    for (const lists of [{ online: endless }, { online: [], offline: endless }]) {
      await assert.rejects(gossip(lists), { code: 'SHAZBOT_BAD_MESSAGE', status: 400, message: /at most/ })
    }
  })
})

describe('list requests', () => {
  test('the control secret returns both lists, anything else the online one', async (t) => {
    await start(t)
    await gossip({ online: [stranger('a')], offline: [stranger('b')] })
    const full = await shazbotListRequest(CONTROL_SECRET)
    assert.deepEqual(Object.keys(full), ['online', 'offline'])
    assert.deepEqual(urlsOf(full.offline), [stranger('b').baseUrl])
    assertEntries([...full.online, ...full.offline])
    assertPlain(full)
    for (const header of [
      SECRET,
      '',
      undefined,
      null,
      `Bearer ${CONTROL_SECRET}`,
      [CONTROL_SECRET],
      42,
      {},
    ]) {
      const list = await shazbotListRequest(header)
      assert.deepEqual(Object.keys(list), ['online'])
      assert.equal(list.online.length, 2)
      assertPlain(list)
    }
  })
})

describe('control requests', () => {
  test('false drains, true brings back, and both resolve without a value', async (t) => {
    await start(t)
    const before = find(shazbotGetServerList().online, BASE_URL).lastUpdate
    assert.equal(await drain(), undefined)
    let list = shazbotGetServerList(true)
    assert.deepEqual([isOnline(list, BASE_URL), isOffline(list, BASE_URL)], [false, true])
    const drained = find(list.offline, BASE_URL).lastUpdate
    assert.ok(drained > before)
    assert.equal(await drain(), undefined)
    assert.equal(find(shazbotGetServerList(true).offline, BASE_URL).lastUpdate, drained, 'nothing changes')
    assert.ok(isOffline(await gossip({ online: [] }), BASE_URL))

    assert.equal(await bringBack(), undefined)
    list = shazbotGetServerList(true)
    assert.deepEqual([isOnline(list, BASE_URL), isOffline(list, BASE_URL)], [true, false])
    const stamp = () => find(shazbotGetServerList().online, BASE_URL).lastUpdate
    assert.ok(stamp() > drained)
    // Announcing the return refreshes the stamp once, at any time.
    await eventually(
      async () => {
        const back = stamp()
        await bringBack()
        return stamp() === back
      },
      { what: 'nothing changes' },
    )
  })

  test('`message` and unknown keys are ignored', async (t) => {
    await start(t)
    await shazbotControlRequest(CONTROL_SECRET, { message: 'gossip', online: false, why: 'test' })
    assert.ok(!isOnline(shazbotGetServerList(), BASE_URL))
    await shazbotControlRequest(CONTROL_SECRET, { online: true })
    assert.ok(isOnline(shazbotGetServerList(), BASE_URL))
  })

  test('the secrets are not interchangeable', async (t) => {
    await start(t)
    await assert.rejects(shazbotControlRequest(SECRET, { message: 'control', online: false }), {
      message: 'Unauthorized: Invalid SHAZBOT_CONTROL_SECRET',
    })
    await assert.rejects(gossip({ online: [] }, CONTROL_SECRET), {
      message: 'Unauthorized: Invalid SHAZBOT_SECRET',
    })
    assert.ok(isOnline(shazbotGetServerList(), BASE_URL))
  })
})

describe('the server list', () => {
  test('offline servers are returned only on request', async (t) => {
    await start(t)
    await gossip({ online: [], offline: [stranger('gone')] })
    for (const list of [
      shazbotGetServerList(),
      shazbotGetServerList(false),
      shazbotGetServerList(undefined),
    ]) {
      assert.deepEqual(Object.keys(list), ['online'])
      assertPlain(list)
    }
    const full = shazbotGetServerList(true)
    assert.deepEqual(Object.keys(full), ['online', 'offline'])
    assert.deepEqual(urlsOf(full.offline), [stranger('gone').baseUrl])
    assertEntries([...full.online, ...full.offline])
    assertPlain(full)
  })

  test('an empty list of offline servers is present', async (t) => {
    await start(t)
    assert.deepEqual(shazbotGetServerList(true).offline, [])
    assert.deepEqual((await shazbotListRequest(CONTROL_SECRET)).offline, [])
    assert.deepEqual((await gossip({ online: [] })).offline, [])
  })

  test('each call returns a new copy', async (t) => {
    await start(t)
    const [one, two] = [shazbotGetServerList(true), shazbotGetServerList(true)]
    assert.notEqual(one, two)
    assert.notEqual(one.online, two.online)
    assert.notEqual(one.online[0], two.online[0])
    one.online[0].lastUpdate = 0
    one.online.length = 0
    one.offline.push(stranger('smuggled'))
    const after = shazbotGetServerList(true)
    assert.deepEqual(after, two)
  })

  test('arguments may be changed afterwards', async (t) => {
    await start(t)
    const server = stranger('kept')
    const online = [server]
    const { baseUrl, lastUpdate } = server
    await gossip({ online })
    Object.assign(server, { baseUrl: 'http://127.0.0.1:9/changed/', lastUpdate: 0 })
    online.length = 0
    assert.equal(find(shazbotGetServerList().online, baseUrl).lastUpdate, lastUpdate)
  })
})

describe('authorization', () => {
  test('a wrong secret is rejected before the body is read, and changes nothing', async (t) => {
    await start(t)
    const before = shazbotGetServerList(true)
    const headers = [
      '',
      'wrong',
      SECRET.toUpperCase(),
      `${SECRET}x`,
      SECRET.slice(1),
      `Bearer ${SECRET}`,
      undefined,
      null,
      0,
    ]
    for (const header of headers) {
      for (const body of [{ message: 'gossip', online: [stranger('x')] }, null]) {
        await assert.rejects(shazbotGossipRequest(header, body), {
          message: 'Unauthorized: Invalid SHAZBOT_SECRET',
        })
        await assert.rejects(shazbotControlRequest(header, body), {
          message: 'Unauthorized: Invalid SHAZBOT_CONTROL_SECRET',
        })
      }
    }
    assert.deepEqual(shazbotGetServerList(true), before)
  })
})
