'use strict'

const { test } = require('node:test')
const assert = require('node:assert/strict')
const { startSubject } = require('../support/subject')
const { createFakePeer } = require('../support/fake-peer')
const { isOffline } = require('../support/entries')
const { eventually } = require('../support/eventually')

const DAY = 24 * 60 * 60 * 1_000

test('fixed in v2, 11: a tombstone is removed after 24 h, without a merge', async (t) => {
  const gone = await createFakePeer(t)
  // It answers without its own entry, so nothing makes its tombstone younger.
  gone.onList = () => ({ body: { online: [] } })
  const { app } = await startSubject(t, { env: { SHAZBOT_GOSSIP_INTERVAL: '60' } })
  const tombstone = gone.entry(Date.now() - DAY + 6_000)

  const answer = await app.sendGossip({ offline: [tombstone] })

  assert.ok(isOffline(answer, gone.baseUrl), 'a tombstone younger than 24 h is kept')
  await eventually(async () => !isOffline(await app.call('shazbotGetServerList', true), gone.baseUrl), {
    what: 'the old tombstone left shazbotGetServerList(true)',
  })
  assert.ok(!isOffline(await app.list(), gone.baseUrl), 'the old tombstone is still listed')
})
