'use strict'

const { describe, test } = require('node:test')
const assert = require('node:assert/strict')
const http = require('node:http')
const net = require('node:net')
const { startSubject } = require('../support/subject')
const { createFakePeer } = require('../support/fake-peer')
const { createMasterListStore } = require('../support/master-list-store')
const { freePort } = require('../support/ports')
const { aWhileAgo, isOnline } = require('../support/entries')
const { eventually } = require('../support/eventually')

/** A proxy for plain requests and tunnels; `targets` are the requested hosts and ports. */
async function createProxy(t) {
  const targets = []
  const authorizations = []
  const server = http.createServer((incoming, response) => {
    const { host, pathname, search } = new URL(incoming.url)
    targets.push(host)
    authorizations.push(incoming.headers['proxy-authorization'])
    const [hostname, port] = host.split(':')
    const { 'proxy-authorization': _, ...headers } = incoming.headers
    const options = { method: incoming.method, hostname, port, path: pathname + search, headers }
    const onwards = http.request(options, (answer) => {
      response.writeHead(answer.statusCode, answer.headers)
      answer.pipe(response)
    })
    onwards.on('error', () => response.destroy())
    incoming.pipe(onwards)
  })
  server.on('connect', (incoming, socket) => {
    targets.push(incoming.url)
    authorizations.push(incoming.headers['proxy-authorization'])
    const [hostname, port] = incoming.url.split(':')
    const onwards = net.connect(port, hostname, () => socket.write('HTTP/1.1 200 OK\r\n\r\n'))
    onwards.on('error', () => socket.destroy())
    socket.on('error', () => onwards.destroy())
    socket.pipe(onwards).pipe(socket)
  })
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve))
  t.after(() => {
    server.close()
    server.closeAllConnections()
  })
  return { targets, authorizations, address: `127.0.0.1:${server.address().port}` }
}

/**
 * Starts a server with a peer and a master list; resolves once both have been contacted. The peer
 * is sent a challenge and a message.
 */
async function startWith(t, env) {
  const peer = await createFakePeer(t)
  const store = await createMasterListStore(t, { servers: [peer.entry(aWhileAgo())] })
  const { app } = await startSubject(t, { store, env: { SHAZBOT_GOSSIP_INTERVAL: '60', ...env } })
  const targets = [store, peer, peer].map(({ port }) => `127.0.0.1:${port}`)
  return { app, peer, targets }
}

async function assertReached({ app, peer }) {
  assert.ok(isOnline(await app.call('shazbotGetServerList'), peer.baseUrl))
  assert.equal(peer.gossips.length, 1)
  // Node may warn that its support of these variables is new.
  assert.doesNotMatch(app.output('stderr'), /Failed to/)
}

/** The proxy variables in both spellings, without those of this process. */
const proxies = (address) => ({
  HTTP_PROXY: address,
  HTTPS_PROXY: address,
  ALL_PROXY: address,
  NO_PROXY: '',
  no_proxy: '',
})

describe('wire: proxies', { concurrency: 6 }, () => {
  test('proxy variables are ignored', async (t) => {
    const proxy = await createProxy(t)
    const address = `http://${proxy.address}`
    for (const flag of [undefined, '', '0', 'true']) {
      const env = { ...proxies(address), http_proxy: address, all_proxy: address, NODE_USE_ENV_PROXY: flag }
      await assertReached(await startWith(t, env))
    }
    assert.deepEqual(proxy.targets, [])
  })

  for (const name of ['HTTP_PROXY', 'http_proxy']) {
    test(`${name} is respected with NODE_USE_ENV_PROXY=1`, async (t) => {
      const proxy = await createProxy(t)
      const env = { NO_PROXY: '', no_proxy: '', NODE_USE_ENV_PROXY: '1', [name]: `http://${proxy.address}` }
      const started = await startWith(t, env)
      await assertReached(started)
      assert.deepEqual(proxy.targets, started.targets)
    })
  }

  test('NO_PROXY is respected', async (t) => {
    const proxy = await createProxy(t)
    const env = {
      ...proxies(`http://${proxy.address}`),
      NODE_USE_ENV_PROXY: '1',
      NO_PROXY: 'example.com,127.0.0.1',
    }
    await assertReached(await startWith(t, { ...env, no_proxy: undefined }))
    assert.deepEqual(proxy.targets, [])
  })

  test('only the proxy gets the user and password of its URL', async (t) => {
    const proxy = await createProxy(t)
    const env = { ...proxies(`http://user:pass@${proxy.address}`), NODE_USE_ENV_PROXY: '1' }
    const started = await startWith(t, env)
    await assertReached(started)
    const expected = `Basic ${Buffer.from('user:pass').toString('base64')}`
    assert.deepEqual(proxy.authorizations, [expected, expected, expected])
    assert.equal(started.peer.gossips[0].headers['proxy-authorization'], undefined)
  })

  test('every exchange fails if the proxy is down, and nothing bypasses it', async (t) => {
    const peer = await createFakePeer(t)
    const store = await createMasterListStore(t, { servers: [peer.entry(aWhileAgo())] })
    const env = { ...proxies(`http://127.0.0.1:${await freePort()}`), NODE_USE_ENV_PROXY: '1' }
    const { app } = await startSubject(t, { store, env })
    await eventually(() => app.output('stderr').includes('Failed to download master list from'), {
      what: 'a log',
    })
    assert.deepEqual([store.requests.length, peer.requests.length], [0, 0])
  })
})
