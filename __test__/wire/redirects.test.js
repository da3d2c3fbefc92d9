'use strict'

const { describe, test } = require('node:test')
const assert = require('node:assert/strict')
const { createScriptedServer } = require('../support/scripted-server')
const { createFakePeer } = require('../support/fake-peer')
const { startSubject } = require('../support/subject')
const { SECRET, UPLOAD_AUTH } = require('../support/environment')
const { aWhileAgo, entry, isOnline } = require('../support/entries')
const { eventually } = require('../support/eventually')

const REDIRECTS = [301, 302, 303, 307, 308]
const ONE_SECOND = { SHAZBOT_MASTER_ANNOUNCE_MINIMUM: '0', SHAZBOT_MASTER_ANNOUNCE_INTERVAL: '0' }

/**
 * Redirects paths that start with `/redirect/` to `next`, and answers all others as a peer and a
 * master list. `hops` are the received requests.
 */
async function createRedirector(t, status, next = {}) {
  const server = await createScriptedServer(t, ({ method, path }) => {
    if (path.startsWith('/redirect/'))
      return { status, headers: { Location: next.url ?? '/target' }, body: 'moved' }
    if (path === '/list') return { body: { online: [] } }
    if (method === 'PUT') return { body: 'stored' }
    return { body: { message: 'gossip', online: [entry(`${server.origin}/redirect/`)], offline: [] } }
  })
  return Object.assign(server, { url: `${server.origin}/redirect/`, next })
}

/** The parts of a request that matter after a redirect. */
function essence({ method, path, headers, text }) {
  return {
    method,
    path,
    authorization: headers.authorization,
    type: headers['content-type'],
    length: method === 'GET' ? headers['content-length'] : undefined,
    hasBody: text !== '',
  }
}

/** Returns the first gossip message with its hops. A challenge and its hops come before it. */
const greetingOf = ({ requests }) => requests.slice(requests.findIndex(({ method }) => method === 'POST'))

/** Returns the hops of the same request with `fetch`, as the servers received them. */
async function hopsOfFetch(servers, url, { method, authorization }) {
  const seen = servers.map(({ requests }) => requests.length)
  const headers = { 'Content-Type': 'application/json', Authorization: authorization }
  await (await fetch(url, { method, headers, body: '{"online":[]}' })).text()
  return servers.map(({ requests }, i) => requests.splice(seen[i]).map(essence))
}

describe('wire: redirects', { concurrency: 6 }, () => {
  for (const status of REDIRECTS) {
    test(`gossip follows a ${status} as fetch does`, async (t) => {
      const peer = await createRedirector(t, status)
      const path = `${peer.url}clustershazbot/gossip`
      const [expected] = await hopsOfFetch([peer], path, { method: 'POST', authorization: SECRET })
      await startSubject(t, {
        servers: [entry(peer.url, aWhileAgo())],
        env: { SHAZBOT_GOSSIP_INTERVAL: '60' },
      })
      const [first, second] = greetingOf(peer)
      assert.deepEqual([first, second].map(essence), expected)
      const keepsMethod = status === 307 || status === 308
      assert.equal(expected[1].method, keepsMethod ? 'POST' : 'GET')
      assert.equal(second.text, keepsMethod ? first.text : '')
    })

    test(`an upload follows a ${status} as fetch does`, async (t) => {
      const store = await createRedirector(t, status)
      const [expected] = await hopsOfFetch([store], store.url, { method: 'PUT', authorization: UPLOAD_AUTH })
      const env = { ...ONE_SECOND, SHAZBOT_MASTER_LIST: `${store.origin}/list` }
      const { app } = await startSubject(t, { store, env })
      const hops = () => store.requests.filter(({ path }) => path !== '/list')
      await eventually(() => hops().length >= 2, { what: 'an upload' })
      await app.kill()
      assert.deepEqual(hops().slice(0, 2).map(essence), expected)
      assert.equal(expected[1].method, status === 303 ? 'GET' : 'PUT')
    })

    test(`Authorization does not go to another origin by a ${status}`, async (t) => {
      const other = await createRedirector(t, status)
      const peer = await createRedirector(t, status, { url: `${other.origin}/elsewhere` })
      const path = `${peer.url}clustershazbot/gossip`
      const expected = await hopsOfFetch([peer, other], path, { method: 'POST', authorization: SECRET })
      await startSubject(t, {
        servers: [entry(peer.url, aWhileAgo())],
        env: { SHAZBOT_GOSSIP_INTERVAL: '60' },
      })
      const [first] = greetingOf(peer)
      const [challenge, second] = other.requests
      assert.deepEqual([essence(first)], expected[0])
      assert.deepEqual([essence(second)], expected[1])
      assert.equal(first.headers.authorization, SECRET)
      for (const { headers } of [challenge, second]) assert.equal(headers.authorization, undefined)
    })
  }

  test('dropped Authorization is not restored on the way back', async (t) => {
    const there = await createRedirector(t, 307)
    const peer = await createRedirector(t, 307, { url: there.url })
    there.next.url = `${peer.origin}/target`
    await startSubject(t, { servers: [entry(peer.url, aWhileAgo())], env: { SHAZBOT_GOSSIP_INTERVAL: '60' } })
    const [first, last] = greetingOf(peer)
    assert.deepEqual([first.headers.authorization, last.headers.authorization], [SECRET, undefined])
    assert.equal(last.text, first.text, 'the body reaches the end')
  })

  test('a download is redirected to another origin, relative and absolute', async (t) => {
    const peer = await createFakePeer(t)
    const list = await createScriptedServer(t, ({ path }) => {
      if (path === '/deep/first') return { status: 302, headers: { Location: '../second?x=1' } }
      return { body: { online: [peer.entry(aWhileAgo())] } }
    })
    const entrance = await createRedirector(t, 302, { url: `${list.origin}/deep/first` })
    const { app } = await startSubject(t, { store: entrance })
    assert.deepEqual(
      list.requests.map(({ path }) => path),
      ['/deep/first', '/second?x=1'],
    )
    assert.ok(isOnline(await app.call('shazbotGetServerList'), peer.baseUrl))
  })

  /** A master list behind this many redirects. */
  async function behind(t, peer, redirects) {
    const list = await createScriptedServer(t, ({ path }) => {
      const left = Number(path.slice(1))
      if (left > 0) return { status: 302, headers: { Location: `/${left - 1}` } }
      return { body: { online: [peer.entry(aWhileAgo())] } }
    })
    return { list, store: { url: `${list.origin}/${redirects}` } }
  }

  test('20 redirects are followed', async (t) => {
    const peer = await createFakePeer(t)
    const { store } = await behind(t, peer, 20)
    const { app } = await startSubject(t, { store })
    assert.ok(isOnline(await app.call('shazbotGetServerList'), peer.baseUrl))
  })

  test('21 redirects are a failure', async (t) => {
    const peer = await createFakePeer(t)
    const { list, store } = await behind(t, peer, 21)
    const { app } = await startSubject(t, { store })
    const first = list.requests.slice(0, 21).map(({ path }) => path)
    assert.equal(first.at(-1), '/1', 'it gives up at the 21st redirect')
    assert.ok(!list.requests.some(({ path }) => path === '/0'))
    assert.ok(!isOnline(await app.call('shazbotGetServerList'), peer.baseUrl))
    await eventually(() => app.output('stderr').includes('Failed to download master list from'), {
      what: 'a log',
    })
  })

  for (const [redirects, isFollowed] of [
    [3, true],
    [4, false],
  ]) {
    test(`gossip and inquiries ${isFollowed ? 'follow' : 'do not follow'} ${redirects} redirects`, async (t) => {
      const peer = await createScriptedServer(t, ({ path }) => {
        const left = Number(new URL(path, peer.origin).searchParams.get('left') ?? redirects)
        if (left > 0) return { status: 307, headers: { Location: `?left=${left - 1}` } }
        return { body: { message: 'gossip', online: [entry(baseUrl)], offline: [] } }
      })
      const baseUrl = `${peer.origin}/`
      const { app } = await startSubject(t, { servers: [entry(baseUrl, aWhileAgo())] })
      const gossip = peer.requests.filter(({ method }) => method === 'POST').slice(0, 4)
      assert.deepEqual(
        gossip.map(({ path }) => path.split('?')[1]),
        [undefined, ...[1, 2, 3].map((followed) => `left=${redirects - followed}`)],
      )
      await app.sendGossip({ online: [entry(`${baseUrl}other/`, aWhileAgo())] })
      const inquiries = () => peer.requests.filter(({ method }) => method === 'GET')
      await eventually(() => inquiries().length >= 4, { what: 'an inquiry' })
      if (isFollowed) assert.ok(isOnline(await app.list(), baseUrl))
      else await eventually(async () => !isOnline(await app.list(), baseUrl), { what: 'it is hidden' })
      assert.equal(
        peer.requests.some(({ path }) => path.endsWith('left=0')),
        isFollowed,
      )
    })
  }

  test('an invalid redirect is a failed exchange', async (t) => {
    for (const url of ['ftp://127.0.0.1/', 'data:application/json,{"online":[]}', 'http://[::1']) {
      const list = await createRedirector(t, 302, { url })
      const { app } = await startSubject(t, { store: list })
      await eventually(() => app.output('stderr').includes('Failed to download master list from'), {
        what: `a log about ${url}`,
      })
      await app.kill()
    }
  })

  test('a redirect without a Location is a failed exchange', async (t) => {
    const peer = await createScriptedServer(t, () => ({ status: 302, body: { online: [] } }))
    const { app } = await startSubject(t, { servers: [entry(`${peer.origin}/`, aWhileAgo())] })
    await eventually(async () => !isOnline(await app.list(), `${peer.origin}/`), {
      what: 'it is hidden',
    })
  })
})
