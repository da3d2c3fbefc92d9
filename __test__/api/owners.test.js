'use strict'

/** Which server owns a key. */

const assert = require('node:assert/strict')
const { readFileSync } = require('node:fs')
const path = require('node:path')
const { describe, test } = require('node:test')
const { shazbotOwner, shazbotOwners, shazbotOwns } = require('../../js/owners')
const { entry, inAnHour } = require('../support/entries')
const { BASE_URL, bringBack, drain, gossip, shazbot, start } = require('../support/in-process')
const { hex, keyNumber, normalised, ranking, serverNumber } = require('../support/rendezvous')

const KEYS = Array.from({ length: 500 }, (_, index) => `session:${index}`)
const EVERYONE = 1e9

const urlOf = (index) => `http://127.0.0.1:9/${index}/`
const urlsOf = (servers) => servers.map(({ baseUrl }) => baseUrl)
const ownersOfAll = () => KEYS.map((key) => shazbotOwner(key).baseUrl)
const onlineUrls = () => urlsOf(shazbot.shazbotGetServerList().online)

/** The rows of the tables in docs/owners.md whose first cell matches. */
function rows(pattern) {
  const lines = readFileSync(path.join(__dirname, '../../docs/owners.md'), 'utf8').split('\n')
  const cells = lines
    .filter((line) => /^\| .* \|$/.test(line))
    .map((line) =>
      line
        .slice(2, -2)
        .split(' | ')
        .map((cell) => cell.replace(/^`|`$/g, '')),
    )
  return cells.filter(([first]) => pattern.test(first))
}

describe('the vectors of docs/owners.md', () => {
  const servers = rows(/^\d+$/).map(([, written, url, number]) => ({ written, url, number }))
  const written = servers.map((server) => server.written)
  const vectors = rows(/^"/).map(([json, number, order]) => ({ key: JSON.parse(json), number, order }))
  const numbersOf = (urls) => {
    const known = servers.map(({ url }) => url)
    return urls.map((url) => known.indexOf(normalised(url)) + 1).join(' ')
  }

  test('are those of a second implementation', () => {
    assert.equal(vectors.length, 50)
    for (const server of servers) {
      assert.equal(normalised(server.written), server.url)
      assert.equal(hex(serverNumber(server.written)), server.number)
    }
    for (const { key, number, order } of vectors) {
      assert.equal(hex(keyNumber(key)), number, key)
      assert.equal(numbersOf(ranking(written, key)), order, key)
    }
  })

  test('are those of the engine, whatever the order in which it meets the servers', async (t) => {
    const [own, ...others] = written
    await start(t, { env: { SHAZBOT_BASE_URL: own } })
    for (const baseUrl of others.reverse()) await gossip({ online: [entry(baseUrl)] })
    for (const { key, order } of vectors) {
      assert.equal(numbersOf(urlsOf(shazbotOwners(key, EVERYONE))), order, key)
      assert.equal(shazbotOwns(key), order.startsWith('1'), key)
    }
  })
})

describe('owners', () => {
  test('are those of a second implementation, for any number of servers', async (t) => {
    await start(t)
    for (let count = 1; count <= 40; count++) {
      const urls = onlineUrls()
      for (const key of KEYS.slice(0, 40)) {
        const expected = ranking(urls, key)
        assert.deepEqual(urlsOf(shazbotOwners(key, EVERYONE)), expected)
        assert.deepEqual(urlsOf(shazbotOwners(key, 3)), expected.slice(0, 3))
        assert.equal(shazbotOwner(key).baseUrl, expected[0])
        assert.equal(shazbotOwns(key), expected[0] === BASE_URL)
      }
      await gossip({ online: [entry(urlOf(count))] })
    }
  })

  test('only the keys of a server that comes or goes move', async (t) => {
    await start(t)
    await gossip({ online: Array.from({ length: 9 }, (_, index) => entry(urlOf(index))) })
    const before = ownersOfAll()
    await gossip({ online: [entry(urlOf(9))] })
    const withOneMore = ownersOfAll()
    const moved = before.filter((owner, index) => owner !== withOneMore[index])
    assert.ok(moved.length > 20 && moved.length < 80, `${moved.length} of ${KEYS.length}`)
    for (const [index, owner] of withOneMore.entries())
      assert.ok(owner === before[index] || owner === urlOf(9), owner)
    await gossip({ offline: [entry(urlOf(9), inAnHour())], online: [] })
    assert.deepEqual(ownersOfAll(), before)
  })

  test('a drained server owns nothing until it is brought back', async (t) => {
    await start(t)
    assert.deepEqual(urlsOf(shazbotOwners('key', 3)), [BASE_URL])
    await drain()
    assert.deepEqual(shazbotOwners('key', 3), [])
    assert.equal(shazbotOwner('key'), undefined)
    assert.equal(shazbotOwns('key'), false)
    await gossip({ online: [entry(urlOf(1))] })
    assert.equal(shazbotOwner('key').baseUrl, urlOf(1))
    await bringBack()
    assert.ok(KEYS.some(shazbotOwns))
  })

  test('an engine that starts again has forgotten the servers of the last one', async (t) => {
    const { store } = await start(t)
    await gossip({ online: [entry(urlOf(1))] })
    assert.equal(shazbotOwners('key', 3).length, 2)
    await shazbot.shazbotShutDown()
    store.write([])
    await shazbot.shazbotStart()
    assert.deepEqual(urlsOf(shazbotOwners('key', 3)), [BASE_URL])
  })

  test('are frozen copies of the entries that are shown', async (t) => {
    await start(t)
    await gossip({ online: [entry(urlOf(1)), { ...entry(urlOf(2)), monitor: true }] })
    const owners = shazbotOwners('key', 3)
    assert.ok(Object.isFrozen(owners) && owners.every(Object.isFrozen))
    const { online } = shazbot.shazbotGetServerList()
    const byUrl = (one, other) => (one.baseUrl < other.baseUrl ? -1 : 1)
    assert.deepEqual([...owners].sort(byUrl), online.sort(byUrl))
    assert.notEqual(shazbotOwner('key'), shazbotOwner('key'))
  })

  test('need a running engine', async (t) => {
    const expected = { code: 'SHAZBOT_NOT_STARTED', status: 503 }
    const assertThrows = () => {
      for (const call of [() => shazbotOwner('a'), () => shazbotOwners('a', 2), () => shazbotOwns('a')])
        assert.throws(call, expected)
    }
    assertThrows()
    await start(t)
    shazbotOwner('a')
    await shazbot.shazbotShutDown()
    assertThrows()
  })
})

describe('keys', () => {
  test('that are not strings are a TypeError that names the argument', () => {
    for (const key of [undefined, null, 1, 1n, Symbol('s'), {}, [], new String('a'), Buffer.from('a')])
      for (const call of [shazbotOwner, shazbotOwns, (value) => shazbotOwners(value, 1)])
        assert.throws(() => call(key), {
          name: 'TypeError',
          message: /^The argument key must be a string, not /,
        })
  })

  test('may be empty, 1 MB long, or have lone surrogates', async (t) => {
    await start(t)
    await gossip({ online: Array.from({ length: 9 }, (_, index) => entry(urlOf(index))) })
    const urls = onlineUrls()
    for (const key of ['', '\0', 'x'.repeat(1e6), 'ä😀'.repeat(2e5), '\ud800', 'a\udfff', '\ud83d\ude00'])
      assert.deepEqual(urlsOf(shazbotOwners(key, 9)), ranking(urls, key).slice(0, 9))
    assert.deepEqual(shazbotOwners('\ud800', 9), shazbotOwners('\ufffd', 9))
  })
})

describe('the count', () => {
  test('that is no whole number of at least 1 is a RangeError that says so', () => {
    for (const count of [0, -1, 1.5, Number.NaN, Infinity, '3', undefined, null, 2n, {}])
      assert.throws(() => shazbotOwners('key', count), {
        name: 'RangeError',
        message: /^The argument count must be a whole number of at least 1, not /,
      })
  })

  test('may be larger than the cluster', async (t) => {
    await start(t)
    for (const count of [1, 2, 1e9, Number.MAX_SAFE_INTEGER, 2 ** 32, 1e300])
      assert.deepEqual(urlsOf(shazbotOwners('key', count)), [BASE_URL])
  })
})
