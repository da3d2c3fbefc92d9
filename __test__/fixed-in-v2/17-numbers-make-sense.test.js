'use strict'

const { describe, test } = require('node:test')
const assert = require('node:assert/strict')
const { startSubject } = require('../support/subject')
const { createFakePeer } = require('../support/fake-peer')
const { aWhileAgo } = require('../support/entries')
const { eventually, throughout } = require('../support/eventually')

const SENSELESS = {
  SHAZBOT_GOSSIP_INTERVAL: ['abc', '-1', '0', '0.0', 's30', 'NaN', 'Infinity'],
  SHAZBOT_MASTER_ANNOUNCE_MINIMUM: ['abc', '-1', 'NaN', '-0.5'],
  SHAZBOT_MASTER_ANNOUNCE_INTERVAL: ['abc', '-1', 'NaN', '-0.5'],
}

describe('fixed in v2, 17: numbers make sense', { concurrency: 8 }, () => {
  for (const [name, values] of Object.entries(SENSELESS)) {
    test(`fixed in v2, 17: an invalid ${name} is rejected with its name and accepted values`, async (t) => {
      const { app } = await startSubject(t, { start: false })
      for (const value of values) {
        await app.setEnv({ [name]: value })
        await assert.rejects(
          app.call('shazbotStart'),
          (error) => {
            assert.equal(error.code, 'SHAZBOT_CONFIG')
            assert.match(error.message, new RegExp(name))
            assert.match(error.message, /number|seconds/i)
            return true
          },
          `${name}=${value} was accepted`,
        )
        await assert.rejects(app.call('shazbotGetServerList'), {
          message: 'Clustershazbot engine not started',
        })
      }
      await app.setEnv({ [name]: '30s' })
      await app.call('shazbotStart')
      assert.equal((await app.call('shazbotGetServerList')).online.length, 1, 'a later start succeeds')
    })
  }

  test('fixed in v2, 17: a gossip interval above a day counts as a day, without a request storm', async (t) => {
    const peer = await createFakePeer(t)
    await startSubject(t, { servers: [peer.entry(aWhileAgo())], env: { SHAZBOT_GOSSIP_INTERVAL: '3000000' } })
    await throughout(() => peer.gossips.length <= 1, {
      lasting: 2_500,
      what: 'no round after the announcement',
    })
  })

  test('fixed in v2, 17: announcement intervals above a day count as a day, without a request storm', async (t) => {
    const env = { SHAZBOT_MASTER_ANNOUNCE_MINIMUM: '3000000', SHAZBOT_MASTER_ANNOUNCE_INTERVAL: '3000000' }
    const { store } = await startSubject(t, { env })
    await throughout(() => store.gets.length <= 1, {
      lasting: 2_500,
      what: 'no download after the one at start',
    })
  })

  test('fixed in v2, 17: a gossip interval below 0.2 s counts as 0.2 s', async (t) => {
    const peer = await createFakePeer(t)
    await startSubject(t, { servers: [peer.entry(aWhileAgo())], env: { SHAZBOT_GOSSIP_INTERVAL: '0.001' } })
    await eventually(() => peer.gossips.length >= 11, { what: 'ten rounds' })
    const [announcement, ...rounds] = peer.gossips
    const duration = rounds[9].at - announcement.at
    assert.ok(duration >= 1_700, `ten rounds, of 0.18 s at least, took ${Math.round(duration)} ms`)
  })

  test('fixed in v2, 17: announcements come at least a second apart', async (t) => {
    const env = { SHAZBOT_MASTER_ANNOUNCE_MINIMUM: '0', SHAZBOT_MASTER_ANNOUNCE_INTERVAL: '0' }
    const { store } = await startSubject(t, { env })
    await eventually(() => store.gets.length >= 5, { what: 'four announcements' })
    const duration = store.gets[4].at - store.gets[0].at
    assert.ok(duration >= 3_500, `four announcements took ${Math.round(duration)} ms`)
  })
})
