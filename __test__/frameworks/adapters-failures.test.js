'use strict'

const assert = require('node:assert/strict')
const { once } = require('node:events')
const http2 = require('node:http2')
const { performance } = require('node:perf_hooks')
const { describe, test } = require('node:test')
const { shazbotHandler } = require('clustershazbot/node')
const { BURST, FailureLimit, MAX_NETWORKS, PERIOD } = require('../../js/adapters/core/http/failure-limit')
const { HOSTS } = require('../support/adapter-hosts')
const { CONTROL_SECRET, SECRET } = require('../support/environment')
const { getList, postGossip, postReturn, request } = require('../support/http')
const { start } = require('../support/in-process')

const UNAUTHORIZED = { error: 'Unauthorized: Invalid SHAZBOT_SECRET' }
const TOO_MANY = { error: 'Too many requests without the secret' }

/** Addresses that no other test uses, as the limit belongs to the whole process. */
let lastNetwork = 0
const newAddress = () => `10.1.${++lastNetwork}.7`

/** Sends a gossip request that a proxy forwards for these addresses. */
const forwarded = (baseUrl, addresses, secret = 'wrong') =>
  request(`${baseUrl}clustershazbot/gossip`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json', Authorization: secret, 'X-Forwarded-For': addresses },
    body: '{"online":[]}',
  })

/** Sends wrong secrets until one is refused; resolves with their number and that response. */
async function flood(send) {
  for (let count = 0; ; count += 50) {
    const answers = await Promise.all(Array.from({ length: 50 }, send))
    const refused = answers.find(({ status }) => status === 429)
    if (refused) return { count, refused }
    assert.ok(answers.every(({ status, json }) => status === 401 && json.error === UNAUTHORIZED.error))
    assert.ok(count < 20 * BURST, 'no limit')
  }
}

/** Whether some of many requests are refused, although the limit refills meanwhile. */
async function isLimited(send) {
  const answers = await Promise.all(Array.from({ length: 60 }, send))
  return answers.some(({ status }) => status === 429)
}

const HOSTS_TESTED = ['node:http', 'express 5', 'fastify', 'nest 12']

for (const name of HOSTS_TESTED) {
  test(`${name}: a flood of wrong secrets is refused, and a right secret passes`, async (t) => {
    await start(t)
    const baseUrl = await HOSTS[name](t, { trustProxy: true })
    const address = newAddress()
    const { count, refused } = await flood(() => forwarded(baseUrl, address))
    assert.ok(count >= BURST - 50, `${count} were answered with 401`)
    assert.deepEqual(refused.json, TOO_MANY)
    assert.equal(refused.headers['retry-after'], '1')
    assert.equal(refused.headers.connection, 'close')
    assert.equal(refused.headers['content-type'], 'application/json')

    // From the same address, while it floods on.
    const flooding = Array.from({ length: 200 }, () => forwarded(baseUrl, address))
    const valid = await forwarded(baseUrl, address, SECRET)
    assert.equal(valid.status, 200, valid.text)
    const answers = await Promise.all(flooding)
    assert.ok(answers.some(({ status }) => status === 429))

    // Another address has its own limit.
    const other = await forwarded(baseUrl, newAddress())
    assert.deepEqual([other.status, other.json], [401, UNAUTHORIZED])
    await new Promise((resolve) => setTimeout(resolve, 1_000 * Number(refused.headers['retry-after'])))
    assert.equal((await forwarded(baseUrl, address)).status, 401, 'after the Retry-After')
  })
}

test('missing client certificates are failures too', async (t) => {
  await start(t)
  const baseUrl = await HOSTS['node:http'](t, { trustProxy: true, requireClientCertificate: true })
  const address = newAddress()
  const statuses = new Set()
  for (let count = 0; count < 20 * BURST && !statuses.has(429); count += 50) {
    const answers = await Promise.all(Array.from({ length: 50 }, () => forwarded(baseUrl, address, SECRET)))
    for (const { status } of answers) statuses.add(status)
  }
  assert.deepEqual([...statuses], [401, 429])
})

describe('the address of a caller', () => {
  test('without trustProxy is that of the connection, whatever the header says', async (t) => {
    await start(t)
    const baseUrl = await HOSTS['node:http'](t)
    let index = 0
    await flood(() => forwarded(baseUrl, `10.2.0.${++index % 256}`))
    for (const [what, send] of Object.entries({
      gossip: () => postGossip(baseUrl, {}, 'wrong'),
      control: () => postReturn(baseUrl, 'wrong'),
    })) {
      await flood(send)
      assert.ok(await isLimited(send), what)
    }
    assert.equal((await postGossip(baseUrl, {})).status, 200)
    assert.equal((await postReturn(baseUrl)).status, 200)
    const list = await getList(baseUrl, 'wrong')
    assert.deepEqual([list.status, Object.keys(list.json)], [200, ['online']], 'the list needs no secret')
    assert.deepEqual(Object.keys((await getList(baseUrl, CONTROL_SECRET)).json), ['online', 'offline'])
  })

  test('is counted from the right, so that the caller cannot choose it', async (t) => {
    await start(t)
    for (const [trustProxy, before, after] of [
      [true, 'made up, 10.9.9.9, ', ''],
      [1, ',,', ''],
      [2, '10.9.9.9,', ', 192.168.0.1'],
    ]) {
      const baseUrl = await HOSTS['node:http'](t, { trustProxy })
      const address = newAddress()
      await flood(() => forwarded(baseUrl, `${before}${address}${after}`))
      assert.ok(await isLimited(() => forwarded(baseUrl, `1.2.3.4, ${address}${after}`)))
      const other = newAddress()
      assert.ok(!(await isLimited(() => forwarded(baseUrl, `${address}, ${other}${after}`))))
    }
  })

  test('is the first one if there are fewer than proxies', async (t) => {
    await start(t)
    const baseUrl = await HOSTS['node:http'](t, { trustProxy: 16 })
    const address = newAddress()
    await flood(() => forwarded(baseUrl, `${address}, 192.168.0.1`))
    assert.ok(await isLimited(() => forwarded(baseUrl, address)))
    const other = newAddress()
    assert.ok(!(await isLimited(() => forwarded(baseUrl, `${other}, ${address}`))))
  })

  test('may be written with a port, in IPv6, and as IPv4 in IPv6', async (t) => {
    await start(t)
    const baseUrl = await HOSTS['node:http'](t, { trustProxy: true })
    const address = newAddress()
    await flood(() => forwarded(baseUrl, address))
    const [a, b, c, d] = address.split('.').map((byte) => Number(byte).toString(16).padStart(2, '0'))
    for (const same of [
      `${address}:4711`,
      `::ffff:${address}`,
      `::FFFF:${a}${b}:${c}${d}`,
      `[::ffff:${address}]:80`,
    ])
      assert.ok(await isLimited(() => forwarded(baseUrl, same)), same)

    await flood(() => forwarded(baseUrl, '2001:db8:1:2::1'))
    for (const same of ['2001:db8:1:2:ffff::', '[2001:DB8:1:2:3:4:5:6]:443', '2001:0db8:0001:0002::1.2.3.4'])
      assert.ok(await isLimited(() => forwarded(baseUrl, same)), same)
    for (const other of ['2001:db8:1:3::1', '2001:db8:1::2', '2001:db8::1:2:0:0:1'])
      assert.ok(!(await isLimited(() => forwarded(baseUrl, other))), other)
  })

  test('is that of the session over HTTP/2', async (t) => {
    await start(t)
    const server = http2.createServer(shazbotHandler())
    await new Promise((resolve) => server.listen(0, '127.0.0.2', resolve))
    const client = http2.connect(`http://127.0.0.2:${server.address().port}`, { localAddress: '127.0.0.3' })
    t.after(() => {
      client.destroy()
      server.close()
    })
    const send = async (secret = 'wrong') => {
      const stream = client.request({
        ':method': 'POST',
        ':path': '/clustershazbot/gossip',
        'content-type': 'application/json',
        authorization: secret,
      })
      stream.end('{"online":[]}')
      const [headers] = await once(stream, 'response')
      let text = ''
      for await (const part of stream.setEncoding('utf8')) text += part
      return { status: headers[':status'], headers, json: JSON.parse(text) }
    }
    const { refused } = await flood(() => send())
    assert.deepEqual([refused.headers['retry-after'], refused.json], ['1', TOO_MANY])
    assert.equal((await send(SECRET)).status, 200)
    assert.equal(client.closed, false)
  })
})

describe('the limit of failed authorizations', () => {
  test('refills one by one', () => {
    const limit = new FailureLimit()
    const take = (count, now) =>
      Array.from({ length: count }, () => limit.allows('a', now)).filter(Boolean).length
    assert.equal(take(BURST + 10, 5), BURST)
    assert.equal(take(10, 5 + PERIOD), 1)
    assert.equal(take(100, 5 + 11 * PERIOD), 10)
    assert.equal(take(BURST + 10, 5 + 1_000 * PERIOD), BURST)
  })

  test('keeps a bounded number of addresses, and frees none of them', () => {
    const limit = new FailureLimit()
    for (let count = 0; count < BURST; count++) limit.allows('attacker', 0)
    for (let count = 0; count < BURST; count++) limit.allows('another', 0)
    let now = -1
    for (let index = 0; index < 100_000; index++) {
      // 2,000 per ms: all arrive before the first bucket is full again.
      if (index % 2_000 === 0) now++
      limit.allows(`10.${index >> 16}.${(index >> 8) & 255}.${index & 255}`, now)
      assert.ok(limit.size <= MAX_NETWORKS + 1)
    }
    assert.equal(limit.allows('attacker', now), false)
    assert.equal(limit.allows('newcomer', now), false, 'it shares a bucket with the flood')
    assert.equal(limit.allows('newcomer', now + 1_000), true, 'the flood has ended')
    assert.ok(limit.size < 10, `${limit.size} are left`)
  })

  test('costs little memory and time with 100,000 forwarded addresses', async (t) => {
    await start(t)
    const baseUrl = await HOSTS['express 5'](t, { trustProxy: true })
    await forwarded(baseUrl, newAddress())
    const { refuse } = require('../../js/adapters/core/refusals')
    const error = { code: 'SHAZBOT_UNAUTHORIZED', message: UNAUTHORIZED.error }
    const headers = (index) => ({
      'x-forwarded-for': `10.${index >> 16}.${(index >> 8) & 255}.${index & 255}`,
    })
    const socket = { remoteAddress: '127.0.0.1' }
    global.gc?.()
    const before = process.memoryUsage().heapUsed
    const from = performance.now()
    for (let index = 0; index < 100_000; index++) refuse(error, { socket, headers: headers(index) }, 1)
    const took = performance.now() - from
    const grown = (process.memoryUsage().heapUsed - before) / 1024 / 1024
    t.diagnostic(`${((took * 1_000) / 100_000).toFixed(2)} µs each; the heap grew by ${grown.toFixed(1)} MB`)
    assert.ok(grown < 64, `${grown} MB`)
    assert.equal((await forwarded(baseUrl, newAddress(), SECRET)).status, 200)
  })
})
