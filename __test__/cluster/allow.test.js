'use strict'

/** `SHAZBOT_ALLOW`: a server never connects to addresses that no pattern matches. */

const { describe, test } = require('node:test')
const assert = require('node:assert/strict')
const net = require('node:net')
const { createFakePeer } = require('../support/fake-peer')
const { createMasterListStore } = require('../support/master-list-store')
const { claim, createNativePeer, extension, postMessage } = require('../support/native')
const { createScriptedServer } = require('../support/scripted-server')
const { freePort } = require('../support/ports')
const { startSubject } = require('../support/subject')
const { aWhileAgo, entry, find, isOnline, urlsOf } = require('../support/entries')
const { eventually, throughout } = require('../support/eventually')

const ANNOUNCE_EVERY_SECOND = { SHAZBOT_MASTER_ANNOUNCE_MINIMUM: '1', SHAZBOT_MASTER_ANNOUNCE_INTERVAL: '0' }
/** Longer than the pauses between probes, rounds, verifications and their retries. */
const WATCHED = 5_000

/** A listener that counts its connections; the test fails if there are any at its end. */
async function createForbidden(t) {
  let connections = 0
  const server = net.createServer((socket) => {
    connections++
    socket.destroy()
  })
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve))
  t.after(() => server.close())
  const { port } = server.address()
  return {
    literal: `http://127.0.0.1:${port}/`,
    byName: `http://localhost:${port}/`,
    get connections() {
      return connections
    },
  }
}

const allow = (...patterns) => ({ SHAZBOT_ALLOW: patterns.join('\n') })

describe('allowed servers', { concurrency: 6 }, () => {
  test('an address outside the list never gets a connection, an allowed one is met', async (t) => {
    const peer = await createFakePeer(t)
    const native = await createNativePeer(t)
    const forbidden = await createForbidden(t)
    const env = allow(`http://127.0.0.1:${peer.port}`, `127.0.0.1:${native.port}`, '10.0.0.0/8')
    const { app } = await startSubject(t, { env })
    // Plain hearsay, and a native server's, about addresses and about names.
    const outside = [forbidden.literal, forbidden.byName, `${forbidden.literal}below/`]
    await app.sendGossip({ online: [...outside.map((url) => entry(url)), peer.entry()] })
    const claims = [...outside, native.baseUrl].map((url) => claim(url))
    const { status } = await postMessage(app.baseUrl, { v2: extension(native.baseUrl, { claims }) })
    assert.equal(status, 200)

    await eventually(() => peer.gossips.length > 0 && native.gossips.length > 0, { what: 'both are met' })
    const known = [app, peer, native]
    const isKnown = (list) => urlsOf([...list.online, ...list.offline]).join() === urlsOf(known).join()
    await eventually(async () => isKnown(await app.list()), { what: 'the others are left out' })
    const repeat = async () => {
      await app.sendGossip({ online: outside.map((url) => entry(url)) })
      return isKnown(await app.list())
    }
    await throughout(repeat, { lasting: WATCHED, every: 200, what: 'they stay out' })
    assert.equal(forbidden.connections, 0)
    for (const { json } of peer.gossips.slice(1)) {
      assert.ok(!find(json.online, forbidden.literal), 'the address is not passed on')
    }
    const warnings = app.lines.filter(({ text }) => text.includes('ignores a base URL that SHAZBOT_ALLOW'))
    assert.equal(warnings.length, 1)
  })

  test('entries of the master list outside the list are ignored, and uploads keep them', async (t) => {
    const peer = await createFakePeer(t)
    const forbidden = await createForbidden(t)
    const outside = [forbidden.literal, forbidden.byName]
    const servers = [...outside.map((url) => entry(url, aWhileAgo())), peer.entry(aWhileAgo())]
    const env = { ...ANNOUNCE_EVERY_SECOND, ...allow(`127.0.0.1:${peer.port} 10.0.0.0/8`) }
    const { app, store } = await startSubject(t, { servers, env })
    await eventually(() => find(store.servers, app.baseUrl), { what: 'an upload' })
    await eventually(async () => urlsOf((await app.list()).online).join() === urlsOf([app, peer]).join(), {
      what: 'only the allowed servers are listed',
    })
    const uploads = store.puts.length
    store.write(store.servers.filter(({ baseUrl }) => baseUrl !== app.baseUrl))
    await eventually(() => store.puts.length > uploads, { what: 'another upload' })
    assert.deepEqual(urlsOf(store.servers), [...urlsOf([app, peer]), ...outside].sort())
    assert.equal(forbidden.connections, 0)
  })

  test('a redirect to an address outside the list is not followed', async (t) => {
    const forbidden = await createForbidden(t)
    const Location = forbidden.byName
    const redirector = await createScriptedServer(t, () => ({ status: 307, headers: { Location } }))
    const { app } = await startSubject(t, {
      servers: [entry(`${redirector.origin}/`, aWhileAgo())],
      env: allow(`127.0.0.1:${redirector.port}`, '10.0.0.0/8'),
    })
    await eventually(() => app.output('stderr').includes('SHAZBOT_ALLOW allows neither'), { what: 'a log' })
    assert.ok(redirector.requests.length > 0)
    assert.equal(forbidden.connections, 0)
  })

  test('servers with names meet if their names resolve to allowed addresses', async (t) => {
    const store = await createMasterListStore(t)
    const apps = []
    for (let i = 0; i < 2; i++) {
      const port = await freePort()
      const baseUrl = `http://localhost:${port}/`
      const env = { ...ANNOUNCE_EVERY_SECOND, ...allow('127.0.0.0/8'), SHAZBOT_BASE_URL: baseUrl }
      apps.push({ baseUrl, ...(await startSubject(t, { store, env, port })) })
    }
    for (const [{ app }, { baseUrl }] of [apps, apps.toReversed()]) {
      await eventually(async () => isOnline(await app.call('shazbotGetServerList'), baseUrl), {
        what: 'the other server',
      })
    }
  })

  test('a server outside the list is answered, but neither listed nor contacted', async (t) => {
    const native = await createNativePeer(t)
    const { app } = await startSubject(t, { env: allow('http://other:1') })
    const { status, json } = await postMessage(app.baseUrl, { v2: extension(native.baseUrl) })
    assert.deepEqual([status, json.v2.me[0]], [200, app.baseUrl])
    await throughout(() => native.requests.length === 0, { lasting: WATCHED, what: 'no contact' })
    assert.deepEqual(urlsOf((await app.list()).online), [app.baseUrl])
  })
})
