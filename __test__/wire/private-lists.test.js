'use strict'

/** Who may read the list of online servers. */

const { describe, test } = require('node:test')
const assert = require('node:assert/strict')
const { aWhileAgo, isOnline, urlsOf } = require('../support/entries')
const { CONTROL_SECRET, SECRET } = require('../support/environment')
const { eventually } = require('../support/eventually')
const { createMasterListStore } = require('../support/master-list-store')
const { getList } = require('../support/http')
const { createNativePeer } = require('../support/native')
const signing = require('../support/signing')
const { startSubject } = require('../support/subject')

const PRIVATE = { SHAZBOT_LIST: 'secret', SHAZBOT_GOSSIP_INTERVAL: '60' }

describe('wire: private lists', { concurrency: 3 }, () => {
  test('a private list needs a secret', async (t) => {
    const peer = await createNativePeer(t)
    const { app } = await startSubject(t, { servers: [peer.entry(aWhileAgo())], env: PRIVATE })
    await eventually(async () => isOnline(await app.list(), peer.baseUrl), { what: 'they have met' })
    for (const authorization of ['', 'wrong']) {
      const { status, json } = await getList(app.baseUrl, authorization)
      // The route of a program written for version 1.
      assert.equal(status, 500)
      assert.match(json.error, /^Unauthorized: Invalid SHAZBOT_SECRET/)
    }
    for (const authorization of [SECRET, CONTROL_SECRET]) {
      const { status, json } = await getList(app.baseUrl, authorization)
      assert.equal(status, 200)
      assert.deepEqual(urlsOf(json.online).sort(), [app.baseUrl, peer.baseUrl].sort())
      assert.equal('offline' in json, authorization === CONTROL_SECRET)
    }
  })

  test('a challenge shows the own entry only', async (t) => {
    const peer = await createNativePeer(t)
    const { app } = await startSubject(t, { servers: [peer.entry(aWhileAgo())], env: PRIVATE })
    await eventually(async () => isOnline(await app.list(), peer.baseUrl), { what: 'they have met' })
    const { nonce, header } = signing.challenge()
    const { status, json } = await getList(app.baseUrl, header)
    assert.equal(status, 200)
    assert.deepEqual(urlsOf(json.online), [app.baseUrl])
    assert.equal(signing.readProof(json.proof, nonce, SECRET).baseUrl, app.baseUrl)
  })

  test('servers with private lists find each other', async (t) => {
    const store = await createMasterListStore(t)
    const apps = []
    for (let count = 0; count < 3; count++) {
      const { app } = await startSubject(t, { store, env: PRIVATE })
      apps.push(app)
      store.write([...store.servers, { baseUrl: app.baseUrl, monitor: false, lastUpdate: aWhileAgo() }])
    }
    const seesAll = async (app) => urlsOf((await app.list()).online).length === 3
    await eventually(async () => (await Promise.all(apps.map(seesAll))).every(Boolean), {
      what: 'all see each other',
    })
  })
})
