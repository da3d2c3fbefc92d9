'use strict'

const { describe, test } = require('node:test')
const assert = require('node:assert/strict')
const { startSubject } = require('../support/subject')
const { createFakePeer } = require('../support/fake-peer')
const { createMasterListStore } = require('../support/master-list-store')
const { SECRET } = require('../support/environment')
const { deadBaseUrl } = require('../support/ports')
const { entry, aWhileAgo, find, isOnline, urlsOf } = require('../support/entries')
const { eventually } = require('../support/eventually')

const QUIET = { SHAZBOT_GOSSIP_INTERVAL: '60' }
const HOST = 'http://127.0.0.1:9'
const HOUR = 3_600_000

const BAD_ENTRIES = {
  'that are not objects': [null, undefined, 7, 'text', true, []],
  'without a URL': [
    {},
    { monitor: false, lastUpdate: 1 },
    { ...entry(7) },
    { ...entry(null) },
    { ...entry({}) },
  ],
  'with another URL than http(s)': [
    entry('not a url', 1),
    entry('', 1),
    entry('/relative/', 1),
    entry('ftp://127.0.0.1/', 1),
    entry('javascript:alert(1)', 1),
    entry('data:text/plain,x', 1),
    entry('http://', 1),
  ],
  'with credentials': [entry('http://user:password@127.0.0.1:9/', 1), entry('http://user@127.0.0.1:9/', 1)],
  'with a URL that is too long': [entry(`${HOST}/${'x'.repeat(5_000)}/`, 1)],
  'with a stamp that is not a time': [
    { baseUrl: `${HOST}/a/`, monitor: false },
    entry(`${HOST}/b/`, null),
    entry(`${HOST}/c/`, '1700000000000'),
    entry(`${HOST}/d/`, Number.NaN),
    entry(`${HOST}/e/`, Number.POSITIVE_INFINITY),
    entry(`${HOST}/f/`, -1),
    entry(`${HOST}/g/`, {}),
  ],
  'with a stamp more than 24 h ahead': [
    entry(`${HOST}/h/`, Date.now() + 25 * HOUR),
    entry(`${HOST}/i/`, 1e300),
  ],
}

describe('fixed in v2, 14: bad entries are skipped', { concurrency: 8 }, () => {
  for (const [what, bad] of Object.entries(BAD_ENTRIES)) {
    test(`fixed in v2, 14: entries ${what} do not affect the rest of a request`, async (t) => {
      const { app } = await startSubject(t, { env: QUIET })
      const [good, gone] = [entry(await deadBaseUrl(), aWhileAgo()), entry(await deadBaseUrl(), aWhileAgo())]
      const body = { message: 'gossip', online: [...bad, good], offline: [...bad, gone] }
      const answer = await app.succeed('shazbotGossipRequest', SECRET, body)
      assert.deepEqual(urlsOf(answer.online), [app.baseUrl, good.baseUrl].sort())
      assert.deepEqual(urlsOf(answer.offline), [gone.baseUrl])
    })
  }

  const badInJson = Object.values(BAD_ENTRIES).flat()

  test('fixed in v2, 14: bad entries do not affect the rest of a response', async (t) => {
    const peer = await createFakePeer(t)
    const { app } = await startSubject(t, { servers: [peer.entry(aWhileAgo())] })
    const good = await createFakePeer(t)
    peer.knows = [...badInJson, good.entry(aWhileAgo())]
    peer.buried = badInJson
    await eventually(async () => isOnline(await app.list(), good.baseUrl), {
      what: 'the good entry is known',
    })
    assert.deepEqual(urlsOf((await app.list()).online), [app.baseUrl, peer.baseUrl, good.baseUrl].sort())
  })

  test('fixed in v2, 14: bad entries do not affect the rest of a master list', async (t) => {
    const peer = await createFakePeer(t)
    const store = await createMasterListStore(t, { servers: [...badInJson, peer.entry(aWhileAgo())] })
    const { app } = await startSubject(t, { store, env: QUIET })
    assert.deepEqual(urlsOf((await app.list()).online), [app.baseUrl, peer.baseUrl].sort())
  })

  test('fixed in v2, 14: a valid entry with extra keys is accepted, and shown with its three keys', async (t) => {
    const { app } = await startSubject(t, { env: QUIET })
    const baseUrl = await deadBaseUrl()
    const odd = { zone: 'eu', lastUpdate: aWhileAgo(), baseUrl }
    const body = { message: 'gossip', online: [odd] }
    const answer = await app.succeed('shazbotGossipRequest', SECRET, body)
    const shown = find(answer.online, baseUrl)
    assert.deepEqual(Object.keys(shown), ['baseUrl', 'monitor', 'lastUpdate'])
    assert.deepEqual(shown, entry(baseUrl, odd.lastUpdate))
  })
})
