'use strict'

const { describe, test } = require('node:test')
const assert = require('node:assert/strict')
const { createScriptedServer } = require('../support/scripted-server')
const { startSubject } = require('../support/subject')
const { eventually } = require('../support/eventually')

const EVERY_SECOND = { SHAZBOT_MASTER_ANNOUNCE_MINIMUM: '0', SHAZBOT_MASTER_ANNOUNCE_INTERVAL: '0' }
const AFTER_FOUR_SECONDS = { SHAZBOT_MASTER_ANNOUNCE_MINIMUM: '4', SHAZBOT_MASTER_ANNOUNCE_INTERVAL: '0' }
const AFTER_TWO_SECONDS = { SHAZBOT_MASTER_ANNOUNCE_MINIMUM: '2', SHAZBOT_MASTER_ANNOUNCE_INTERVAL: '0' }

/**
 * A store whose list is always empty, so that each announcement uploads; `onPut` returns the
 * responses.
 */
async function createStore(t, { etag, status = 200, onPut = () => 200 }) {
  const server = await createScriptedServer(t, (request) => {
    if (request.method === 'PUT') return { status: onPut(request, puts(server).length), body: '' }
    if (status !== 200) return { status, body: '' }
    const tag = typeof etag === 'function' ? etag() : etag
    return { headers: tag ? { ETag: tag } : {}, body: { online: [] } }
  })
  return Object.assign(server, { url: `${server.origin}/servers.json` })
}

const puts = ({ requests }) => requests.filter(({ method }) => method === 'PUT')

/** The conditions of the uploads, in order. */
const conditions = (store) =>
  puts(store).map(({ headers }) => headers['if-match'] ?? headers['if-none-match'] ?? 'none')

/** Asserts that this upload (counted from 1) came with the next announcement, not as a retry. */
async function assertLeftToNextAnnouncement(store, number) {
  await uploads(store, number)
  const [, firstDownload] = store.requests
  const download = store.requests[store.requests.indexOf(puts(store)[number - 1]) - 1]
  assert.equal(download.method, 'GET')
  assert.ok(download.at - firstDownload.at > 1_500, `after ${Math.round(download.at - firstDownload.at)} ms`)
}

async function uploads(store, count) {
  await eventually(() => puts(store).length >= count, { within: 60_000, what: `${count} uploads` })
  return conditions(store).slice(0, count)
}

describe('wire: conditions of an upload', { concurrency: 12 }, () => {
  test('an ETag is returned byte for byte', async (t) => {
    const store = await createStore(t, { etag: '"v1-\xe9-/+=~"' })
    await startSubject(t, { store, env: EVERY_SECOND })
    assert.deepEqual(await uploads(store, 1), ['"v1-\xe9-/+=~"'])
    assert.equal(puts(store)[0].headers['if-none-match'], undefined)
  })

  test('a weak ETag is not used as a condition', async (t) => {
    const store = await createStore(t, { etag: 'W/"v1"' })
    await startSubject(t, { store, env: EVERY_SECOND })
    assert.deepEqual(await uploads(store, 1), ['none'])
  })

  test('a missing list is created, never replaced', async (t) => {
    const store = await createStore(t, { status: 404 })
    await startSubject(t, { store, env: EVERY_SECOND })
    assert.deepEqual(await uploads(store, 1), ['*'])
    assert.equal(puts(store)[0].headers['if-match'], undefined)
  })

  test('a store that answers 204 for an empty list gets an unconditional upload if it rejects the creation', async (t) => {
    const store = await createStore(t, {
      status: 204,
      onPut: ({ headers }) => (headers['if-none-match'] ? 412 : 200),
    })
    await startSubject(t, { store, env: AFTER_TWO_SECONDS })
    assert.deepEqual(await uploads(store, 2), ['*', 'none'])
  })

  test('on 412 it downloads and uploads again, at most three times, then at the next announcement', async (t) => {
    const store = await createStore(t, { etag: () => `"v${puts(store).length}"`, onPut: () => 412 })
    await startSubject(t, { store, env: AFTER_FOUR_SECONDS })
    assert.deepEqual(await uploads(store, 3), ['"v0"', '"v1"', '"v2"'])
    const [first, second, third] = puts(store).map(({ at }) => at)
    assert.ok(second - first >= 200 && third - second >= 400, 'there is a pause between them')
    const [, ...methods] = store.requests.map(({ method }) => method)
    assert.deepEqual(methods.slice(0, 6), ['GET', 'PUT', 'GET', 'PUT', 'GET', 'PUT'])
    await assertLeftToNextAnnouncement(store, 4)
  })

  test('an ETag that stays the same after a 412 is ignored, with one warning', async (t) => {
    const store = await createStore(t, {
      etag: '"v1-gzip"',
      onPut: ({ headers }) => (headers['if-match'] ? 412 : 200),
    })
    const { app } = await startSubject(t, { store, env: AFTER_TWO_SECONDS })
    assert.deepEqual(await uploads(store, 4), ['"v1-gzip"', 'none', '"v1-gzip"', 'none'])
    assert.equal(app.lines.filter(({ text }) => text.includes('ETag')).length, 1, app.output('stderr'))
  })

  for (const status of [400, 405, 501]) {
    test(`one ${status} does not disable conditions`, async (t) => {
      const store = await createStore(t, {
        etag: '"v1"',
        onPut: (_, count) => (count === 1 ? status : 200),
      })
      const { app } = await startSubject(t, { store, env: EVERY_SECOND })
      assert.deepEqual(await uploads(store, 4), Array(4).fill('"v1"'))
      assert.equal(app.output('stderr'), '', 'that was no failure')
    })

    test(`a second ${status} disables conditions`, async (t) => {
      const store = await createStore(t, {
        etag: '"v1"',
        onPut: ({ headers }) => (headers['if-match'] ? status : 200),
      })
      const { app } = await startSubject(t, { store, env: AFTER_FOUR_SECONDS })
      assert.deepEqual(await uploads(store, 5), ['"v1"', '"v1"', 'none', 'none', 'none'])
      assert.equal(app.output('stderr'), '', 'that was no failure')
    })

    test(`a ${status} to an unconditional upload is a failure`, async (t) => {
      const store = await createStore(t, { etag: '"v1"', onPut: () => status })
      const { app } = await startSubject(t, { store, env: AFTER_FOUR_SECONDS })
      assert.deepEqual(await uploads(store, 3), ['"v1"', '"v1"', 'none'])
      await eventually(() => app.output('stderr').includes(`Failed to upload master list to ${store.url}:`), {
        what: 'a log',
      })
      await assertLeftToNextAnnouncement(store, 4)
      assert.equal(conditions(store)[3], '"v1"', 'with the condition again')
    })
  }

  test('URLs that differ in their query are one resource', async (t) => {
    const store = await createStore(t, { etag: '"v1"' })
    const env = { ...EVERY_SECOND, SHAZBOT_MASTER_LIST_UPDATE: `${store.url}?signature=1` }
    await startSubject(t, { store: { url: `${store.url}?signature=2` }, env })
    assert.deepEqual(await uploads(store, 1), ['"v1"'])
  })

  test('the ETag of another resource is not used as a condition', async (t) => {
    const store = await createStore(t, { etag: '"v1"' })
    const env = { ...EVERY_SECOND, SHAZBOT_MASTER_LIST_UPDATE: `${store.origin}/upload` }
    await startSubject(t, { store, env })
    assert.deepEqual(await uploads(store, 1), ['none'])
  })

  test('the ETag of a redirected list is not used as a condition', async (t) => {
    const store = await createScriptedServer(t, ({ method, path }) => {
      if (method === 'PUT') return { body: '' }
      if (path === '/servers.json') return { status: 302, headers: { Location: '/elsewhere.json' } }
      return { headers: { ETag: '"v1"' }, body: { online: [] } }
    })
    await startSubject(t, { store: { url: `${store.origin}/servers.json` }, env: EVERY_SECOND })
    assert.deepEqual(await uploads(store, 1), ['none'])
  })

  test('a store with an ETag per coding is asked for none, and gets conditional uploads', async (t) => {
    const coded = ({ headers }) => headers['accept-encoding'] !== 'identity'
    const store = await createScriptedServer(t, (request) => {
      if (request.method === 'PUT') return { status: request.headers['if-match'] === '"v1"' ? 200 : 412 }
      return { headers: { ETag: coded(request) ? '"v1-gzip"' : '"v1"' }, body: { online: [] } }
    })
    await startSubject(t, { store: { url: `${store.origin}/servers.json` }, env: EVERY_SECOND })
    assert.deepEqual(await uploads(store, 3), ['"v1"', '"v1"', '"v1"'])
  })
})
