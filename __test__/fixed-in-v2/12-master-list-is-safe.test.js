'use strict'

const { describe, test } = require('node:test')
const assert = require('node:assert/strict')
const { startSubject } = require('../support/subject')
const { createFakePeer } = require('../support/fake-peer')
const { createMasterListStore } = require('../support/master-list-store')
const { answers } = require('../support/scripted-server')
const { deadBaseUrl } = require('../support/ports')
const { entry, aWhileAgo, find, urlsOf } = require('../support/entries')
const { eventually } = require('../support/eventually')

const ANNOUNCE_EVERY_SECOND = {
  SHAZBOT_GOSSIP_INTERVAL: '60',
  SHAZBOT_MASTER_ANNOUNCE_MINIMUM: '1',
  SHAZBOT_MASTER_ANNOUNCE_INTERVAL: '0',
}
const UPLOAD_AT_SHUTDOWN = { SHAZBOT_GOSSIP_INTERVAL: '60', SHAZBOT_UPDATE_MASTER_LIST_ON_SHUTDOWN: 'true' }

describe('fixed in v2, 12: the master list is safe', { concurrency: 8 }, () => {
  for (const [what, answer] of [
    ['a 403', { status: 403, body: { error: 'Forbidden' } }],
    ['a 500', { status: 500, body: 'Broken' }],
    ['HTML', { body: '<!doctype html><title>Sign in</title>', headers: { 'Content-Type': 'text/html' } }],
    ['truncated JSON', { body: '{"online":[{"baseUrl":"http://127.0.0.1:9/","mon' }],
    ['JSON of another shape', { body: { servers: [] } }],
    ['a list that is not an array', { body: { online: { 0: 'x' } } }],
    ['a cut connection', answers.reset()],
  ]) {
    test(`fixed in v2, 12: no upload after a download of ${what}`, async (t) => {
      const store = await createMasterListStore(t)
      store.onGet = () => answer
      const { app } = await startSubject(t, { store, env: ANNOUNCE_EVERY_SECOND })
      await eventually(() => store.gets.length >= 4, { what: 'four downloads' })
      assert.equal(store.puts.length, 0, 'it uploaded although the download failed')
      await app.list()
    })
  }

  for (const [what, answer] of [
    ['404', { status: 404, body: 'Not found' }],
    ['204', { status: 204 }],
  ]) {
    test(`fixed in v2, 12: after a ${what} the list is created, never replaced`, async (t) => {
      const store = await createMasterListStore(t, { servers: null })
      store.onGet = () => (store.servers === null ? answer : undefined)
      const { app } = await startSubject(t, { store, env: ANNOUNCE_EVERY_SECOND })
      await eventually(() => store.puts.length >= 1, { what: 'an upload' })
      assert.equal(store.puts[0].headers['if-none-match'], '*')
      assert.ok(find(store.servers, app.baseUrl), 'the server is in the list that it created')
    })
  }

  test('fixed in v2, 12: the upload at shutdown downloads first and keeps what others wrote', async (t) => {
    const store = await createMasterListStore(t)
    const { app } = await startSubject(t, { store, env: UPLOAD_AT_SHUTDOWN })
    const unverified = entry(await deadBaseUrl())
    store.write([unverified, entry(app.baseUrl)])
    await app.leave()
    assert.deepEqual(urlsOf(store.servers), [unverified.baseUrl])
  })

  test('fixed in v2, 12: no upload at shutdown after a failed download', async (t) => {
    const store = await createMasterListStore(t)
    const { app } = await startSubject(t, { store, env: UPLOAD_AT_SHUTDOWN })
    store.onGet = () => ({ status: 403, body: 'Forbidden' })
    await app.leave()
    assert.equal(store.puts.length, 0, 'it uploaded although the download failed')
  })

  test('fixed in v2, 12: only servers known to be dead are removed from the list', async (t) => {
    const peer = await createFakePeer(t)
    const dead = await deadBaseUrl()
    const buriedAt = aWhileAgo()
    const store = await createMasterListStore(t, {
      servers: [peer.entry(aWhileAgo()), entry(dead, buriedAt - 1_000)],
    })
    const { app } = await startSubject(t, { store, env: ANNOUNCE_EVERY_SECOND })
    await app.sendGossip({ offline: [entry(dead, buriedAt)] })
    await eventually(() => urlsOf(store.servers).join() === [peer.baseUrl, app.baseUrl].sort().join(), {
      what: 'the list contains only living servers',
    })
    const uploads = store.puts.length
    store.write([...store.servers, entry(dead, buriedAt - 1_000)])
    await eventually(() => store.puts.length > uploads, { what: 'the next upload' })
    assert.ok(!find(store.puts.at(-1).json.online, dead), 'the dead server was uploaded')
  })

  test('fixed in v2, 12: an unchanged list is not uploaded', async (t) => {
    const peer = await createFakePeer(t)
    const store = await createMasterListStore(t, { servers: [peer.entry(aWhileAgo())] })
    const { app } = await startSubject(t, { store, env: ANNOUNCE_EVERY_SECOND })
    await eventually(() => find(store.servers, app.baseUrl), { what: 'the joiner added itself' })
    const { gets, puts } = { gets: store.gets.length, puts: store.puts.length }
    await eventually(() => store.gets.length >= gets + 3, { what: 'three announcements' })
    assert.equal(store.puts.length, puts, 'it uploaded an unchanged list')
  })

  test('fixed in v2, 12: If-Match repeats an ETag, and a conflict is retried', async (t) => {
    const other = entry(await deadBaseUrl())
    const store = await createMasterListStore(t)
    store.beforePut = () => {
      store.beforePut = undefined
      store.write([other])
    }
    const env = { ...ANNOUNCE_EVERY_SECOND, SHAZBOT_MASTER_ANNOUNCE_MINIMUM: '4' }
    const { app } = await startSubject(t, { store, env })
    await eventually(() => find(store.servers, app.baseUrl), { what: 'the joiner added itself' })
    assert.ok(find(store.servers, other.baseUrl), 'a concurrent write is lost')
    assert.equal(store.puts[0].headers['if-match'], '"v1"')
    assert.equal(store.puts[1].headers['if-match'], '"v2"')
    assert.ok(store.puts[1].at - store.puts[0].at < 3_500, 'the conflict was left to the next announcement')
  })

  test('fixed in v2, 12: no If-Match without an ETag', async (t) => {
    const store = await createMasterListStore(t, { etags: false })
    const { app } = await startSubject(t, { store, env: ANNOUNCE_EVERY_SECOND })
    await eventually(() => find(store.servers, app.baseUrl), { what: 'the joiner added itself' })
    assert.equal(store.puts[0].headers['if-match'], undefined)
    assert.equal(store.puts.length, 1)
  })

  test('fixed in v2, 12: no If-Match for a weak ETag, or for an upload to another URL', async (t) => {
    const weak = await createMasterListStore(t)
    weak.onGet = () => ({ headers: { ETag: 'W/"v1"' }, body: { online: weak.servers } })
    const [download, upload] = [await createMasterListStore(t), await createMasterListStore(t)]
    const elsewhere = { ...ANNOUNCE_EVERY_SECOND, SHAZBOT_MASTER_LIST_UPDATE: upload.url }
    await startSubject(t, { store: weak, env: ANNOUNCE_EVERY_SECOND })
    await startSubject(t, { store: download, env: elsewhere })
    await eventually(() => weak.puts.length >= 1 && upload.puts.length >= 1, { what: 'both have uploaded' })
    assert.equal(weak.puts[0].headers['if-match'], undefined)
    assert.equal(upload.puts[0].headers['if-match'], undefined)
  })

  test('fixed in v2, 12: If-Match is sent if the two URLs differ only in their query', async (t) => {
    const store = await createMasterListStore(t)
    const signed = {
      SHAZBOT_MASTER_LIST: `${store.url}?op=read&sig=a%2Fb`,
      SHAZBOT_MASTER_LIST_UPDATE: `${store.url}?op=write&sig=c%2Fd`,
    }
    const { app } = await startSubject(t, { store, env: { ...ANNOUNCE_EVERY_SECOND, ...signed } })
    await eventually(() => find(store.servers, app.baseUrl), { what: 'the joiner added itself' })
    assert.equal(store.puts[0].headers['if-match'], '"v1"')
    assert.equal(store.puts[0].path, '/servers.json?op=write&sig=c%2Fd')
  })

  for (const status of [400, 405, 501]) {
    test(`fixed in v2, 12: a store that answers ${status} to conditional uploads gets unconditional ones`, async (t) => {
      const store = await createMasterListStore(t)
      store.onPut = ({ headers }) => (headers['if-match'] ? { status, body: 'No conditions' } : undefined)
      // Three attempts take a second, and a next announcement would start again from the first.
      const env = { ...ANNOUNCE_EVERY_SECOND, SHAZBOT_MASTER_ANNOUNCE_MINIMUM: '4' }
      const { app } = await startSubject(t, { store, env })
      await eventually(() => find(store.servers, app.baseUrl), { what: 'the joiner added itself' })
      assert.deepEqual(
        store.puts.map(({ headers }) => headers['if-match']),
        ['"v1"', '"v1"', undefined],
      )
      store.write([])
      await eventually(() => find(store.servers, app.baseUrl), { what: 'it added itself again' })
      assert.equal(store.puts.at(-1).headers['if-match'], undefined)
      assert.equal(store.puts.length, 4, 'it did not retry a condition')
    })
  }

  for (const status of [409, 429, 500, 502, 503, 504]) {
    test(`fixed in v2, 12: the upload at shutdown retries after a temporary ${status}`, async (t) => {
      const store = await createMasterListStore(t)
      const { app } = await startSubject(t, { store, env: UPLOAD_AT_SHUTDOWN })
      store.write([entry(app.baseUrl)])
      let failures = 2
      const headers = status === 429 ? { 'Retry-After': '1' } : {}
      store.onPut = () => (failures-- > 0 ? { status, headers, body: 'Busy' } : undefined)
      store.onGet = () => {
        if (store.puts.length === 0) return undefined
        store.onGet = undefined
        return { status: 503, body: 'Busy' }
      }
      await app.leave()
      assert.deepEqual(urlsOf(store.servers), [])
      const [first, second] = store.puts
      assert.ok(second.at - first.at >= (status === 429 ? 1_000 : 200), 'there is a pause between them')
    })
  }

  test('fixed in v2, 12: a failing store delays a shutdown by about five seconds', async (t) => {
    const store = await createMasterListStore(t)
    const { app } = await startSubject(t, { store, env: UPLOAD_AT_SHUTDOWN })
    store.write([entry(app.baseUrl)])
    store.onPut = () => ({ status: 500, body: 'Broken' })
    const began = performance.now()
    await app.leave()
    const took = performance.now() - began
    t.diagnostic(`${Math.round(took)} ms, ${store.puts.length} uploads`)
    assert.ok(took < 15_000 && store.puts.length >= 4, `${Math.round(took)} ms, ${store.puts.length} uploads`)
    assert.equal(app.output('stderr').match(/Failed to upload master list to/g).length, 1)
  })

  test('fixed in v2, 12: a list that is deleted before an upload is created', async (t) => {
    const store = await createMasterListStore(t)
    store.onPut = ({ headers }) =>
      headers['if-match'] && store.servers === null ? { status: 404 } : undefined
    store.beforePut = () => {
      store.beforePut = undefined
      store.write(null)
    }
    const env = { ...ANNOUNCE_EVERY_SECOND, SHAZBOT_MASTER_ANNOUNCE_MINIMUM: '4' }
    const { app } = await startSubject(t, { store, env })
    await eventually(() => find(store.servers ?? [], app.baseUrl), { what: 'the joiner added itself' })
    assert.ok(store.puts.length >= 2, 'it was written without a retry')
    assert.equal(store.puts[1].headers['if-none-match'], '*')
    assert.ok(store.puts[1].at - store.puts[0].at < 3_500, 'it was left to the next announcement')
  })
})
