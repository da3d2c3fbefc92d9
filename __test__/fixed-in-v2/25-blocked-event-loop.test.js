'use strict'

const { test } = require('node:test')
const assert = require('node:assert/strict')
const { startSubject } = require('../support/subject')
const { createFakePeer } = require('../support/fake-peer')
const { aWhileAgo, find } = require('../support/entries')
const { eventually } = require('../support/eventually')

test('fixed in v2, 25: a blocked event loop does not stop the gossip', async (t) => {
  const peer = await createFakePeer(t)
  const { app } = await startSubject(t, { servers: [peer.entry(aWhileAgo())] })
  await eventually(() => peer.gossips.length >= 2, { what: 'a round' })

  const { began, ended } = await app.block(8_000)

  const during = peer.gossips.filter(({ at }) => {
    const time = performance.timeOrigin + at
    return time > began + 200 && time < ended - 200
  })
  assert.ok(during.length >= 3, `${during.length} rounds in eight blocked seconds`)
  const stamps = during.map(({ json }) => find(json.online, app.baseUrl).lastUpdate)
  assert.ok(stamps.at(-1) > began + 1_500, 'the stamps stay fresh while the event loop is blocked')
})
