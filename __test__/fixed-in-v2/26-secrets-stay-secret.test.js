'use strict'

const { describe, test } = require('node:test')
const assert = require('node:assert/strict')
const { startSubject } = require('../support/subject')
const { createFakePeer } = require('../support/fake-peer')
const { createMasterListStore } = require('../support/master-list-store')
const { SECRET, CONTROL_SECRET, UPLOAD_AUTH } = require('../support/environment')
const { deadBaseUrl } = require('../support/ports')
const { aWhileAgo } = require('../support/entries')
const { eventually } = require('../support/eventually')

const PASSWORD = 'hunter2pass'
const SIGNATURE = 's1gn4ture'
const CONFIDENTIAL = [PASSWORD, SIGNATURE, SECRET, CONTROL_SECRET, UPLOAD_AUTH, 'upload-token']

const assertKeepsSecrets = (text) => {
  for (const secret of CONFIDENTIAL) assert.ok(!text.includes(secret), `${secret} stands in: ${text}`)
}

/** The same URL with user info and a signed query. */
function confidential(url) {
  const { protocol, host, pathname } = new URL(url)
  return `${protocol}//user:${PASSWORD}@${host}${pathname}?signature=${SIGNATURE}`
}

/** Resolves with the whole log once a failure of this kind is in it. */
async function logged(app, failure) {
  await eventually(() => app.lines.some(({ text }) => text.startsWith(failure)), {
    what: `"${failure}" is logged`,
  })
  // The other lines of the reason's stack have arrived once a later call is answered.
  await app.call('shazbotShutDown')
  return app.output()
}

describe('fixed in v2, 26: secrets stay secret', { concurrency: 8 }, () => {
  test('fixed in v2, 26: a failed download is logged without user info and query', async (t) => {
    const url = `${await deadBaseUrl()}servers.json`
    const { app } = await startSubject(t, { env: { SHAZBOT_MASTER_LIST: confidential(url) } })
    const log = await logged(app, 'Failed to download master list from')
    assertKeepsSecrets(log)
    assert.ok(log.includes(`Failed to download master list from ${url}:`), log)
  })

  test('fixed in v2, 26: a failed upload is logged without user info, query and authorization', async (t) => {
    const store = await createMasterListStore(t)
    // An upload service that reveals too much.
    store.onPut =
      ({ headers, path }) =>
      (response) => {
        response.writeHead(403, headers.authorization, { 'X-Authorization': headers.authorization })
        response.end(`${headers.authorization} may not write ${path}`)
      }
    const env = {
      SHAZBOT_MASTER_LIST_UPDATE: `${store.url}?signature=${SIGNATURE}`,
      SHAZBOT_MASTER_ANNOUNCE_MINIMUM: '1',
      SHAZBOT_MASTER_ANNOUNCE_INTERVAL: '0',
    }
    const { app } = await startSubject(t, { store, env })
    const log = await logged(app, 'Failed to upload master list to')
    assertKeepsSecrets(log)
    assert.ok(log.includes(`Failed to upload master list to ${store.url}:`), log)
  })

  test('fixed in v2, 26: a download that fails after a redirect is logged without the redirect target', async (t) => {
    const store = await createMasterListStore(t)
    const target = confidential(await deadBaseUrl())
    store.onGet = () => ({ status: 302, headers: { Location: target }, body: '' })
    const env = { SHAZBOT_MASTER_LIST: `${store.url}?signature=${SIGNATURE}` }
    const { app } = await startSubject(t, { store, env })
    const log = await logged(app, 'Failed to download master list from')
    assertKeepsSecrets(log)
    assert.ok(log.includes(`Failed to download master list from ${store.url}:`), log)
  })

  test('fixed in v2, 26: gossip that fails after a redirect is logged without the redirect target', async (t) => {
    const peer = await createFakePeer(t)
    const target = confidential(await deadBaseUrl())
    peer.onGossip = () => ({ status: 307, headers: { Location: target }, body: '' })
    const { app } = await startSubject(t, { servers: [peer.entry(aWhileAgo())] })
    const log = await logged(app, 'Failed to send gossip message to')
    assertKeepsSecrets(log)
    assert.ok(log.includes(`Failed to send gossip message to ${peer.baseUrl}:`), log)
  })

  test('fixed in v2, 26: a peer that repeats the secret does not get it into a log', async (t) => {
    const peer = await createFakePeer(t)
    peer.onGossip =
      ({ headers }) =>
      (response) => {
        response.writeHead(500, headers.authorization, { 'X-Authorization': headers.authorization })
        response.end(JSON.stringify({ error: `${headers.authorization} is wrong` }))
      }
    const { app } = await startSubject(t, { servers: [peer.entry(aWhileAgo())] })
    const log = await logged(app, 'Failed to send gossip message to')
    assertKeepsSecrets(log)
    assert.ok(log.includes(`Failed to send gossip message to ${peer.baseUrl}:`), log)
  })

  for (const [name, value] of [
    ['SHAZBOT_BASE_URL', `http://user:${PASSWORD}@127.0.0.1:3000/?signature=${SIGNATURE}`],
    ['SHAZBOT_SECRET', `${SECRET}\n${PASSWORD}`],
    ['SHAZBOT_CONTROL_SECRET', `${CONTROL_SECRET}\n${PASSWORD}`],
    ['SHAZBOT_MASTER_LIST_UPDATE_AUTH', `${UPLOAD_AUTH}\n${PASSWORD}`],
    ['SHAZBOT_MASTER_LIST', `http//user:${PASSWORD}@127.0.0.1/?signature=${SIGNATURE}`],
    ['SHAZBOT_MASTER_LIST_UPDATE', `http//user:${PASSWORD}@127.0.0.1/?signature=${SIGNATURE}`],
  ]) {
    test(`fixed in v2, 26: the error about an invalid ${name} does not repeat secrets`, async (t) => {
      const { app } = await startSubject(t, { start: false, env: { [name]: value } })
      await assert.rejects(app.call('shazbotStart'), (error) => {
        assertKeepsSecrets(`${error.message}\n${error.stack}`)
        return true
      })
      assertKeepsSecrets(app.output())
    })
  }
})
