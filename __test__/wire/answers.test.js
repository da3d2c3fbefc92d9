'use strict'

const { describe, test } = require('node:test')
const assert = require('node:assert/strict')
const zlib = require('node:zlib')
const { createFakePeer } = require('../support/fake-peer')
const { createRawServer, bytes } = require('../support/raw-server')
const { createScriptedServer } = require('../support/scripted-server')
const { startSubject } = require('../support/subject')
const { aWhileAgo, entry, isOffline, isOnline } = require('../support/entries')
const { eventually, throughout } = require('../support/eventually')

const QUIET = { SHAZBOT_GOSSIP_INTERVAL: '60' }
const BOM = '\ufeff'

/** Bodies by their `Content-Encoding`. */
const CODINGS = {
  gzip: ['gzip', zlib.gzipSync],
  'gzip by its old name': ['x-gzip', zlib.gzipSync],
  'gzip in upper case': ['GZIP', zlib.gzipSync],
  deflate: ['deflate', zlib.deflateSync],
  'raw deflate': ['deflate', zlib.deflateRawSync],
  br: ['br', zlib.brotliCompressSync],
  'gzip within br': ['gzip, br', (text) => zlib.brotliCompressSync(zlib.gzipSync(text))],
}

const CONTENT_TYPES = [
  'application/json',
  'text/plain',
  'text/html; charset=utf-8',
  'application/octet-stream',
  undefined,
]

/** A server that is known only after a list that names it has been read. */
const someone = () => entry(`http://127.0.0.1:9/${Math.random().toString(36).slice(2)}/`, Date.now())

const knows = async (app, { baseUrl }) => isOnline(await app.call('shazbotGetServerList'), baseUrl)

/** Starts a server with this master list; returns whether it has read `found` from it. */
async function downloads(t, answer, found) {
  const store = await createScriptedServer(t, () => answer)
  const { app } = await startSubject(t, { store: { url: `${store.origin}/list` }, env: QUIET })
  const has = await knows(app, found)
  await app.kill()
  return has
}

describe('wire: answers', { concurrency: 6 }, () => {
  for (const [what, [coding, compress]] of Object.entries(CODINGS)) {
    test(`a master list in ${what} is decoded, as by fetch`, async (t) => {
      const found = someone()
      const body = compress(JSON.stringify({ online: [found] }))
      const answer = { headers: { 'Content-Encoding': coding, 'Content-Type': 'application/json' }, body }
      const reader = await createScriptedServer(t, () => answer)
      assert.deepEqual(await (await fetch(reader.origin)).json(), { online: [found] })
      assert.ok(await downloads(t, answer, found), 'the engine has read it')
    })
  }

  test('a compressed response to gossip is decoded', async (t) => {
    const peer = await createFakePeer(t)
    const found = someone()
    peer.onGossip = () => ({
      headers: { 'Content-Encoding': 'gzip', 'Content-Type': 'application/json' },
      body: zlib.gzipSync(JSON.stringify({ message: 'gossip', online: [peer.entry(), found], offline: [] })),
    })
    const { app } = await startSubject(t, { servers: [peer.entry(aWhileAgo())], env: QUIET })
    assert.ok(await knows(app, found))
  })

  test('a wrong content coding is a failed exchange', async (t) => {
    const found = someone()
    const body = JSON.stringify({ online: [found] })
    for (const coding of ['gzip', 'br', 'deflate']) {
      assert.ok(!(await downloads(t, { headers: { 'Content-Encoding': coding }, body }, found)), coding)
    }
  })

  test('the content type of a master list does not matter', async (t) => {
    for (const type of CONTENT_TYPES) {
      const found = someone()
      const headers = type ? { 'Content-Type': type } : {}
      assert.ok(await downloads(t, { headers, body: JSON.stringify({ online: [found] }) }, found), type)
    }
  })

  test('a byte order mark before the JSON is skipped, in a list and in an answer', async (t) => {
    const found = someone()
    assert.ok(await downloads(t, { body: `${BOM}${JSON.stringify({ online: [found] })}` }, found))

    const peer = await createFakePeer(t)
    peer.onGossip = () => ({
      body: `${BOM}${JSON.stringify({ online: [peer.entry(), found], offline: [] })}`,
    })
    const { app } = await startSubject(t, { servers: [peer.entry(aWhileAgo())], env: QUIET })
    assert.ok(await knows(app, found))
  })

  test('hand-written lists are accepted', async (t) => {
    const peer = await createFakePeer(t)
    const [bare, extra] = [someone(), someone()]
    const online = [
      { baseUrl: bare.baseUrl, lastUpdate: bare.lastUpdate },
      { baseUrl: peer.baseUrl, lastUpdate: 0 },
      { ...extra, region: 'eu', weight: 3 },
    ]
    const store = await createScriptedServer(t, () => ({
      body: JSON.stringify({ version: 1, online }, null, 2),
    }))
    const { app } = await startSubject(t, { store: { url: store.origin }, env: QUIET })
    const shown = (await app.call('shazbotGetServerList')).online
    assert.ok(
      shown.some(({ baseUrl }) => baseUrl === peer.baseUrl),
      'the one without a stamp, once it has answered',
    )
    for (const server of [bare, extra]) {
      assert.deepEqual(
        shown.filter(({ baseUrl }) => baseUrl === server.baseUrl),
        [server],
      )
    }
  })

  test('an offline list in the master list is merged', async (t) => {
    const gone = someone()
    const store = await createScriptedServer(t, () => ({ body: { online: [], offline: [gone] } }))
    const { app } = await startSubject(t, { store: { url: store.origin }, env: QUIET })
    assert.ok(isOffline(await app.call('shazbotGetServerList', true), gone.baseUrl))
  })

  test('data: URLs work for the download', async (t) => {
    const found = someone()
    const json = JSON.stringify({ online: [found] })
    const urls = [
      `data:application/json,${encodeURIComponent(json)}`,
      `data:application/json;base64,${Buffer.from(json).toString('base64')}`,
      `data:,${json}`,
      `data:text/plain;charset=utf-8,${json}`,
      `DATA:application/json;charset=utf-8;base64,${encodeURIComponent(Buffer.from(json).toString('base64'))}`,
    ]
    for (const url of urls) {
      assert.deepEqual(await (await fetch(url)).json(), { online: [found] }, url)
      const { app } = await startSubject(t, { env: { ...QUIET, SHAZBOT_MASTER_LIST: url } })
      assert.ok(await knows(app, found), url)
      await app.kill()
    }
  })

  test('a data: URL without a list is a failed download, and is not logged', async (t) => {
    const url = 'data:application/json,{"hidden":1}'
    const { app } = await startSubject(t, { env: { ...QUIET, SHAZBOT_MASTER_LIST: url } })
    await eventually(() => app.output('stderr').includes('Failed to download master list from'), {
      what: 'a log',
    })
    assert.ok(!app.output().includes('hidden'), app.output())
  })

  test('a master list with 400 headers, or 64 kB of them, is accepted', async (t) => {
    for (const [count, value] of [
      [400, 'x'],
      [40, 'x'.repeat(1_600)],
    ]) {
      const found = someone()
      const body = JSON.stringify({ online: [found] })
      // With the length, this is the stated number.
      const names = Array.from({ length: count - 1 }, (_, i) => [`X-${i}`, value])
      const store = await createRawServer(t, () => bytes({ headers: Object.fromEntries(names), body }))
      const { app } = await startSubject(t, { store: { url: `${store.origin}/list` }, env: QUIET })
      assert.ok(await knows(app, found), `${count} headers`)
      await app.kill()
    }
  })

  test('responses of every framing are accepted', async (t) => {
    const body = (peer) => JSON.stringify({ message: 'gossip', online: [entry(peer), found], offline: [] })
    const found = someone()
    const framings = {
      chunked: (text) => {
        const chunks = [text.slice(0, 10), text.slice(10)].map(
          (part) => `${part.length.toString(16)}\r\n${part}\r\n`,
        )
        return `HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n${chunks.join('')}0\r\n\r\n`
      },
      'until close': (text) => `HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n${text}`,
      'HTTP/1.0': (text) => `HTTP/1.0 200 OK\r\n\r\n${text}`,
      'after 100': (text) => `HTTP/1.1 100 Continue\r\n\r\n${bytes({ body: text })}`,
      'after 103': (text) => `HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n${bytes({ body: text })}`,
    }
    for (const [framing, frame] of Object.entries(framings)) {
      const peer = await createRawServer(t, (_, { socket }) => {
        socket.write(frame(body(`${peer.origin}/`)))
        if (/close|1\.0/.test(framing)) socket.end()
      })
      const { app } = await startSubject(t, { servers: [entry(`${peer.origin}/`, aWhileAgo())], env: QUIET })
      assert.ok(await knows(app, found), framing)
      await app.kill()
    }
  })

  test('a response that is not HTTP is a failed exchange, without further effect', async (t) => {
    const rubbish = [
      '',
      '\r\n\r\n',
      'SSH-2.0-OpenSSH_9.6\r\n',
      'HTTP/1.1 99999 What\r\n\r\n',
      'HTTP/1.1 200 OK\r\nA: \0\r\n\r\n',
    ]
    const peers = await Promise.all(
      rubbish.map((text) =>
        createRawServer(t, (_, { socket }) => {
          socket.end(text)
        }),
      ),
    )
    const servers = peers.map(({ origin }) => entry(`${origin}/`, aWhileAgo()))
    const { app } = await startSubject(t, { servers })
    await eventually(
      async () => {
        const list = await app.list()
        return !servers.some(({ baseUrl }) => isOnline(list, baseUrl))
      },
      { within: 60_000, what: 'all are hidden' },
    )
  })

  test('a truncated response is a failed exchange', async (t) => {
    const found = someone()
    const peer = await createRawServer(t, (_, { socket }) => {
      const whole = bytes({ body: { online: [entry(`${peer.origin}/`), found], offline: [] } })
      socket.end(whole.subarray(0, whole.length - 3))
    })
    const { app } = await startSubject(t, { servers: [entry(`${peer.origin}/`, aWhileAgo())] })
    await throughout(async () => !(await knows(app, found)), {
      lasting: 1_500,
      what: 'nothing of it is merged',
    })
    await eventually(async () => !isOnline(await app.list(), `${peer.origin}/`), {
      what: 'it is hidden',
    })
  })
})
