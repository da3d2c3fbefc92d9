'use strict'

const { describe, test } = require('node:test')
const { startSubject } = require('../support/subject')
const { createFakePeer } = require('../support/fake-peer')
const { createMasterListStore } = require('../support/master-list-store')
const { isFree } = require('../support/ports')
const { aWhileAgo, find, isOnline } = require('../support/entries')
const { eventually } = require('../support/eventually')

// Blocked ports of the Fetch standard that need no privileges.
const REFUSED = [
  10080, 6000, 6566, 6665, 6666, 6667, 6668, 6669, 6697, 5060, 5061, 4190, 4045, 3659, 2049, 1719, 1720,
]

/** Calls `create` with the first of these ports that is free on this machine. */
async function onRefusedPort(create) {
  for (const port of REFUSED) {
    if (!(await isFree(port, '127.0.0.1'))) continue
    try {
      return await create(port)
    } catch (error) {
      // Another test process was faster.
      if (error.code !== 'EADDRINUSE') throw error
    }
  }
  throw new Error('None of the ports that fetch blocks is free')
}

describe('fixed in v2, 27: ports that fetch refuses', { concurrency: 8 }, () => {
  test('fixed in v2, 27: a peer on a port that fetch blocks is reachable', async (t) => {
    const peer = await onRefusedPort((port) => createFakePeer(t, { port }))
    await startSubject(t, { servers: [peer.entry(aWhileAgo())] })
    await eventually(() => peer.gossips.length >= 2, { what: 'the announcement and a round' })
  })

  test('fixed in v2, 27: a master list on a port that fetch blocks is read and written', async (t) => {
    const peer = await createFakePeer(t)
    const servers = [peer.entry(aWhileAgo())]
    const store = await onRefusedPort((port) => createMasterListStore(t, { servers, port }))
    const env = { SHAZBOT_MASTER_ANNOUNCE_MINIMUM: '1', SHAZBOT_MASTER_ANNOUNCE_INTERVAL: '0' }
    const { app } = await startSubject(t, { store, env })
    await eventually(async () => isOnline(await app.list(), peer.baseUrl), {
      what: 'the list is read',
    })
    await eventually(() => find(store.servers, app.baseUrl), { what: 'the list is written' })
  })
})
