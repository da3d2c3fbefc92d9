'use strict'

const { describe, test } = require('node:test')
const assert = require('node:assert/strict')
const { startSubject } = require('../support/subject')
const { createFakePeer } = require('../support/fake-peer')
const { SECRET, CONTROL_SECRET, UPLOAD_AUTH } = require('../support/environment')
const { aWhileAgo } = require('../support/entries')
const { eventually } = require('../support/eventually')

const PADDED = {
  SHAZBOT_SECRET: ` \t${SECRET}\r\n`,
  SHAZBOT_CONTROL_SECRET: `\n${CONTROL_SECRET} `,
  SHAZBOT_MASTER_LIST_UPDATE_AUTH: `${UPLOAD_AUTH}\n`,
}
const EMPTY = { message: 'gossip', online: [], offline: [] }

describe('fixed in v2, 19: secrets are trimmed', { concurrency: 8 }, () => {
  test('fixed in v2, 19: whitespace around a secret in the variable is ignored', async (t) => {
    const { app } = await startSubject(t, { env: PADDED })
    await app.succeed('shazbotGossipRequest', SECRET, EMPTY)
    assert.ok(
      (await app.succeed('shazbotListRequest', CONTROL_SECRET)).offline,
      'the control secret shows offline servers',
    )
    await app.succeed('shazbotControlRequest', CONTROL_SECRET, { message: 'control', online: true })
  })

  test('fixed in v2, 19: whitespace around a secret in the header is ignored', async (t) => {
    const { app } = await startSubject(t)
    await app.succeed('shazbotGossipRequest', ` ${SECRET}\t`, EMPTY)
    assert.ok(
      (await app.succeed('shazbotListRequest', ` ${CONTROL_SECRET} `)).offline,
      'offline servers are shown',
    )
    await app.succeed('shazbotControlRequest', `${CONTROL_SECRET}\r\n`, { message: 'control', online: true })
  })

  test('fixed in v2, 19: a secret is sent without whitespace around it', async (t) => {
    const peer = await createFakePeer(t)
    const env = { ...PADDED, SHAZBOT_MASTER_ANNOUNCE_MINIMUM: '1', SHAZBOT_MASTER_ANNOUNCE_INTERVAL: '0' }
    const { app, store } = await startSubject(t, { servers: [peer.entry(aWhileAgo())], env })
    await app.succeed('shazbotGossipRequest', SECRET, EMPTY)
    const sent = await eventually(() => peer.gossips.at(-1), { what: 'a gossip message' })
    assert.equal(sent.headers.authorization, SECRET)
    const upload = await eventually(() => store.puts.at(-1), { what: 'an upload' })
    assert.equal(upload.headers.authorization, UPLOAD_AUTH)
  })

  for (const name of Object.keys(PADDED)) {
    test(`fixed in v2, 19: a ${name} that is not a valid header value is rejected by name`, async (t) => {
      const { app } = await startSubject(t, { start: false })
      for (const value of ['two\nlines', 'schlüssel-\u0142\u0105', 'a\u0001b', '\u{1F511}']) {
        await app.setEnv({ [name]: value })
        await assert.rejects(
          app.call('shazbotStart'),
          (error) => {
            assert.equal(error.code, 'SHAZBOT_CONFIG')
            assert.match(error.message, new RegExp(`${name}\\b`))
            return true
          },
          `${name}=${JSON.stringify(value)} was accepted`,
        )
      }
    })
  }
})
