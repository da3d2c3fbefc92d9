'use strict'

const { describe, test } = require('node:test')
const assert = require('node:assert/strict')
const { inspect } = require('node:util')
const { shazbot, BASE_URL, prepare, start } = require('../support/in-process')
const { SECRET, CONTROL_SECRET, UPLOAD_AUTH } = require('../support/environment')
const { entry } = require('../support/entries')

const {
  shazbotStart,
  shazbotGossipRequest,
  shazbotListRequest,
  shazbotControlRequest,
  shazbotGetServerList,
} = shazbot

const SECRETS = [SECRET, CONTROL_SECRET, UPLOAD_AUTH, 'upload-token']
const OWN_SECRET = 'what-the-caller-sent'

async function errorOf(act) {
  try {
    await act()
  } catch (error) {
    return error
  }
  assert.fail('no error')
}

/** Checks everything that a program can see of an error. */
function assertError(error, { message, code, status }) {
  assert.ok(error instanceof Error)
  assert.equal(Object.prototype.toString.call(error), '[object Error]')
  assert.equal(error.name, 'Error')
  if (message instanceof RegExp) assert.match(error.message, message)
  else assert.equal(error.message, message)
  assert.equal(error.code, code)
  assert.equal(error.status, status)
  assert.equal(error.statusCode, status)
  assert.ok(!('status' in error) || status !== undefined, 'no key without a value')
  assert.ok(error.stack.startsWith(`Error: ${error.message}\n`), error.stack)
  assert.match(error.stack, /\n\s+at /)
  const everything = `${inspect(error, { showHidden: true })}${JSON.stringify(error)}${error.stack}`
  for (const secret of [...SECRETS, OWN_SECRET]) assert.ok(!everything.includes(secret), everything)
}

const NOT_STARTED = { message: 'Clustershazbot engine not started', code: 'SHAZBOT_NOT_STARTED', status: 503 }

describe('errors', () => {
  test('not started', async () => {
    const body = { message: 'gossip', online: [] }
    assertError(await errorOf(() => shazbotGetServerList()), NOT_STARTED)
    assertError(await errorOf(() => shazbotListRequest(OWN_SECRET)), NOT_STARTED)
    assertError(await errorOf(() => shazbotGossipRequest(OWN_SECRET, body)), NOT_STARTED)
    assertError(await errorOf(() => shazbotControlRequest(OWN_SECRET, body)), NOT_STARTED)
  })

  test('unauthorized', async (t) => {
    await start(t)
    const unauthorized = (name) => ({
      message: `Unauthorized: Invalid ${name}`,
      code: 'SHAZBOT_UNAUTHORIZED',
      status: 401,
    })
    assertError(await errorOf(() => shazbotGossipRequest(OWN_SECRET, null)), unauthorized('SHAZBOT_SECRET'))
    assertError(
      await errorOf(() => shazbotControlRequest(OWN_SECRET, null)),
      unauthorized('SHAZBOT_CONTROL_SECRET'),
    )
  })

  const good = entry(BASE_URL.replace('me', 'other'))
  const BAD_GOSSIP = {
    'undefined (no body parser)': [undefined, /body/],
    null: [null, /body/],
    text: ['{"online":[]}', /body/],
    'a number': [42, /body/],
    'a list': [[good], /body/],
    'a function': [() => {}, /body/],
    'no lists': [{}, /"?online"?/],
    'null for online': [{ online: null }, /"?online"?/],
    'an object for online': [{ online: { 0: good, length: 1 } }, /"?online"?/],
    'text for online': [{ online: 'none' }, /"?online"?/],
    'text for offline': [{ online: [good], offline: 'none' }, /"?offline"?/],
    'an object for offline': [{ online: [good], offline: {} }, /"?offline"?/],
  }
  const BAD_CONTROL = {
    'undefined (no body parser)': [undefined, /body/],
    null: [null, /body/],
    text: ['{"online":true}', /body/],
    'a list': [[true], /body/],
    'nothing in it': [{}, /"?online"?/],
    'text for online': [{ online: 'true' }, /"?online"?/],
    'a number for online': [{ online: 1 }, /"?online"?/],
    'null for online': [{ online: null }, /"?online"?/],
  }

  for (const [what, [body, message]] of Object.entries(BAD_GOSSIP)) {
    test(`a bad gossip message: ${what}`, async (t) => {
      await start(t)
      const before = shazbotGetServerList(true)
      const error = await errorOf(() => shazbotGossipRequest(SECRET, body))
      assertError(error, { message, code: 'SHAZBOT_BAD_MESSAGE', status: 400 })
      assert.deepEqual(shazbotGetServerList(true), before, 'no part of it was merged')
    })
  }

  for (const [what, [body, message]] of Object.entries(BAD_CONTROL)) {
    test(`a bad control message: ${what}`, async (t) => {
      await start(t)
      const before = shazbotGetServerList(true)
      const error = await errorOf(() => shazbotControlRequest(CONTROL_SECRET, body))
      assertError(error, { message, code: 'SHAZBOT_BAD_MESSAGE', status: 400 })
      assert.deepEqual(shazbotGetServerList(true), before, 'nothing changed')
    })
  }

  /** An array that reports different lengths, one after the other. */
  const lengths = (...values) =>
    new Proxy([], {
      get(list, key) {
        if (key !== 'length') return list[key]
        return values.length > 1 ? values.shift() : values[0]
      },
    })
  const revoked = (target) => {
    const { proxy, revoke } = Proxy.revocable(target, {})
    revoke()
    return proxy
  }
  const throwing = (key, thrown = new TypeError('boom')) =>
    Object.defineProperty({ online: [] }, key, {
      get() {
        throw thrown
      },
    })
  const tooMany = Array.from({ length: 1_000 }, () => throwing('baseUrl'))
  const UNREADABLE = {
    'a revoked proxy': () => revoked({}),
    'a revoked array': () => revoked([]),
    'a revoked proxy for online': () => ({ online: revoked([]) }),
    'a revoked proxy for offline': () => ({ online: [], offline: revoked({}) }),
    'a throwing accessor of online': () => throwing('online'),
    'a throwing accessor of offline': () => throwing('offline'),
    'an accessor that throws null': () => throwing('online', null),
    'an accessor that throws a revoked proxy': () => throwing('online', revoked({})),
    'an accessor that throws an object with a code': () =>
      throwing('online', { code: 'SHAZBOT_UNAUTHORIZED' }),
    'a BigInt for a length': () => ({ online: lengths(5n) }),
    'a symbol for a length': () => ({ online: [], offline: lengths(Symbol('five')) }),
    'text for a length': () => ({ online: lengths('5') }),
    'a length that is not a whole number': () => ({ online: lengths(0.5) }),
    'a length below 0': () => ({ online: lengths(-1) }),
    'an endless length': () => ({ online: lengths(2 ** 53) }),
    'entries that all throw': () => ({ online: tooMany }),
  }

  for (const [what, body] of Object.entries(UNREADABLE)) {
    test(`an unreadable gossip message: ${what}`, async (t) => {
      await start(t)
      const before = shazbotGetServerList(true)
      const error = await errorOf(() => shazbotGossipRequest(SECRET, body()))
      assertError(error, { message: /^Invalid gossip message: /, code: 'SHAZBOT_BAD_MESSAGE', status: 400 })
      assert.deepEqual(shazbotGetServerList(true), before, 'no part of it was merged')
    })
  }

  test('an unreadable control message', async (t) => {
    await start(t)
    for (const message of [revoked({}), throwing('online')]) {
      const error = await errorOf(() => shazbotControlRequest(CONTROL_SECRET, message))
      assertError(error, { message: /^Invalid control message: /, code: 'SHAZBOT_BAD_MESSAGE', status: 400 })
    }
  })

  test('a growing length is read once', async (t) => {
    await start(t)
    const { online, offline } = await shazbotGossipRequest(SECRET, {
      online: lengths(1, 1e6, 2 ** 53, 5n),
      offline: lengths(0, 2 ** 53),
    })
    assert.deepEqual([online.length, offline.length], [1, 0])
  })

  test('a v2 that is or contains a proxy is ignored', async (t) => {
    await start(t)
    for (const v2 of [
      revoked({}),
      lengths(2 ** 53),
      { claims: lengths(0, 2 ** 53) },
      new Array(2 ** 32 - 1),
    ]) {
      for (const odd of [v2, { me: v2 }]) {
        const answer = await shazbotGossipRequest(SECRET, { online: [], v2: odd })
        assert.deepEqual(Object.keys(answer), ['message', 'online', 'offline'])
      }
    }
  })

  test('configuration', async (t) => {
    const config = (message) => ({ message, code: 'SHAZBOT_CONFIG', status: undefined })
    const cases = [
      [{ SHAZBOT_SECRET: undefined }, 'Environment variable SHAZBOT_SECRET is required'],
      [{ SHAZBOT_SECRET: `${OWN_SECRET}\nsecond line` }, /SHAZBOT_SECRET/],
      [{ SHAZBOT_BASE_URL: `http://user:${OWN_SECRET}@127.0.0.1/` }, /SHAZBOT_BASE_URL/],
      [{ SHAZBOT_BASE_URL: `http://127.0.0.1/?token=${OWN_SECRET}` }, /SHAZBOT_BASE_URL/],
      [{ SHAZBOT_MASTER_LIST: `ftp://user:${OWN_SECRET}@h/` }, /SHAZBOT_MASTER_LIST\b/],
      [{ SHAZBOT_GOSSIP_INTERVAL: OWN_SECRET }, /SHAZBOT_GOSSIP_INTERVAL/],
    ]
    for (const [env, message] of cases) {
      await t.test(Object.keys(env)[0], async (t) => {
        await prepare(t, { env })
        assertError(await errorOf(() => shazbotStart()), config(message))
        assertError(await errorOf(() => shazbotGetServerList()), NOT_STARTED)
      })
    }
  })

  test('functions reject and never throw, except for the list', async (t) => {
    await start(t)
    for (const act of [
      () => shazbotGossipRequest(),
      () => shazbotGossipRequest(SECRET),
      () => shazbotControlRequest(),
      () => shazbotControlRequest(CONTROL_SECRET),
    ]) {
      let promise
      assert.doesNotThrow(() => {
        promise = act()
      })
      await assert.rejects(promise)
    }
  })
})
