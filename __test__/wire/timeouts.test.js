'use strict'

const { describe, test } = require('node:test')
const assert = require('node:assert/strict')
const { setTimeout: pause } = require('node:timers/promises')
const { createRawServer, bytes, healthy } = require('../support/raw-server')
const { startSubject } = require('../support/subject')
const { aWhileAgo, entry, isOnline } = require('../support/entries')
const { eventually } = require('../support/eventually')

/** The timeouts, and the margin after which a busy machine must have noticed them. */
const GOSSIP = 5_000
const MASTER_LIST = 10_000
const SLACK = 4_500

const HEAD = 'HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n'

/** Responses that never end. */
const ENDLESS = {
  'that never comes': () => {},
  'that stalls midway': ({ socket }) => socket.write(`${HEAD}{"online":[`),
  'that trickles': ({ socket }) => {
    socket.write(`${HEAD}{"online":[`)
    const drip = setInterval(() => socket.write(' '), 200)
    socket.on('close', () => clearInterval(drip))
  },
  'whose headers trickle': ({ socket }) => {
    socket.write('HTTP/1.1 200 OK\r\n')
    const drip = setInterval(() => socket.write('A: b\r\n'), 200)
    socket.on('close', () => clearInterval(drip))
  },
}

/**
 * Waits until the connection of a request is closed by the client; asserts that this was on time.
 */
async function assertGivenUp({ at, connection }, timeout) {
  await eventually(() => connection.closed, {
    within: timeout + 2 * SLACK,
    what: 'the end of the connection',
  })
  const after = Math.round(connection.closedAt - at)
  assert.ok(after > timeout - 1_500 && after < timeout + SLACK, `given up after ${after} ms`)
}

describe('wire: timeouts', { concurrency: 12 }, () => {
  for (const [what, answer] of Object.entries(ENDLESS)) {
    test(`a response to gossip ${what} times out after 5 s in total, with its challenges`, async (t) => {
      const peer = await createRawServer(t, (_, connection) => {
        answer(connection)
      })
      const baseUrl = `${peer.origin}/`
      const { app } = await startSubject(t, { servers: [entry(baseUrl, aWhileAgo())] })
      // A challenge, the same request without one, and the message.
      const [{ at }, , { method, connection }] = peer.requests
      assert.equal(method, 'POST')
      await assertGivenUp({ at, connection }, GOSSIP)
      await eventually(async () => !isOnline(await app.list(), baseUrl), {
        within: 60_000,
        what: 'it is hidden',
      })
      assert.match(app.output('stderr'), new RegExp(`Failed to send gossip message to ${baseUrl}:`))
    })

    test(`a master list ${what} times out after 10 s in total`, async (t) => {
      const store = await createRawServer(t, (_, connection) => {
        answer(connection)
      })
      const { app } = await startSubject(t, { store: { url: `${store.origin}/list` } })
      await assertGivenUp(store.requests[0], MASTER_LIST)
      await eventually(
        () => app.output('stderr').includes(`Failed to download master list from ${store.origin}/list:`),
        {
          what: 'a log',
        },
      )
    })
  }

  test('an unanswered upload times out after 10 s', async (t) => {
    const store = await createRawServer(t, ({ method }) =>
      method === 'GET' ? bytes({ body: { online: [] } }) : undefined,
    )
    const env = { SHAZBOT_MASTER_ANNOUNCE_MINIMUM: '0', SHAZBOT_MASTER_ANNOUNCE_INTERVAL: '0' }
    await startSubject(t, { store: { url: `${store.origin}/list` }, env })
    const upload = () => store.requests.find(({ method }) => method === 'PUT')
    await eventually(upload, { what: 'an upload' })
    await assertGivenUp(upload(), MASTER_LIST)
  })

  test('redirects do not extend the timeout', async (t) => {
    let hops = 0
    const store = await createRawServer(t, async () => {
      await pause(3_000)
      return bytes({ status: 302, headers: { Location: `/${++hops}` } })
    })
    await startSubject(t, { store: { url: `${store.origin}/list` } })
    const took = Math.round(performance.now() - store.requests[0].at)
    assert.ok(took > MASTER_LIST - 1_500 && took < MASTER_LIST + SLACK, `the download took ${took} ms`)
  })

  test('a slow response within the timeout counts', async (t) => {
    const found = entry('http://127.0.0.1:9/slow/', Date.now())
    const store = await createRawServer(t, (_, { socket }) => {
      const whole = bytes({ body: { online: [found] } })
      const size = Math.ceil(whole.length / 8)
      let sent = 0
      const drip = setInterval(() => {
        socket.write(whole.subarray(sent, sent + size))
        sent += size
        if (sent >= whole.length) clearInterval(drip)
      }, 500)
    })
    const { app } = await startSubject(t, { store: { url: `${store.origin}/list` } })
    const { online } = await app.call('shazbotGetServerList')
    assert.ok(online.some(({ baseUrl }) => baseUrl === found.baseUrl))
  })

  test('a slow peer delays no other', async (t) => {
    const slow = await createRawServer(t, () => undefined)
    const peer = await createRawServer(t, () => healthy(`${peer.origin}/`))
    const servers = [slow, peer].map(({ origin }) => entry(`${origin}/`, aWhileAgo()))
    await startSubject(t, { servers })
    assert.ok(
      peer.requests[0].at - slow.requests[0].at < GOSSIP - 1_000,
      'the other peer heard of it at once',
    )
  })
})
