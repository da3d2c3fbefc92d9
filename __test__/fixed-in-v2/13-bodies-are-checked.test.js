'use strict'

const { describe, test } = require('node:test')
const assert = require('node:assert/strict')
const { startSubject } = require('../support/subject')
const { SECRET, CONTROL_SECRET } = require('../support/environment')
const { deadBaseUrl } = require('../support/ports')
const { entry, aWhileAgo, isOnline } = require('../support/entries')

const QUIET = { SHAZBOT_GOSSIP_INTERVAL: '60' }

/** Asserts that a promise is rejected as a bad message, with an error that names the field. */
const assertBadMessage = (promise, field) =>
  assert.rejects(promise, (error) => {
    assert.ok(error.isError, 'rejected with an Error')
    assert.match(error.message, field)
    assert.equal(error.code, 'SHAZBOT_BAD_MESSAGE')
    assert.deepEqual([error.status, error.statusCode], [400, 400])
    return true
  })

describe('fixed in v2, 13: bodies are checked', { concurrency: 8 }, () => {
  test('fixed in v2, 13: a gossip body that is not an object is rejected', async (t) => {
    const { app } = await startSubject(t, { env: QUIET })
    for (const body of [undefined, null, 'text', 7, true, []]) {
      await assertBadMessage(app.call('shazbotGossipRequest', SECRET, body), /body|online/)
    }
  })

  test('fixed in v2, 13: a gossip body without an array online is rejected', async (t) => {
    const { app } = await startSubject(t, { env: QUIET })
    for (const online of [undefined, null, 'text', 7, {}, { length: 0 }]) {
      await assertBadMessage(
        app.call('shazbotGossipRequest', SECRET, { message: 'gossip', online }),
        /online/,
      )
    }
  })

  test('fixed in v2, 13: a gossip body whose offline is not an array is rejected as a whole', async (t) => {
    const { app } = await startSubject(t, { env: QUIET })
    const other = await deadBaseUrl()
    for (const offline of ['text', 7, {}, true]) {
      const body = { message: 'gossip', online: [entry(other, aWhileAgo())], offline }
      await assertBadMessage(app.call('shazbotGossipRequest', SECRET, body), /offline/)
      assert.ok(
        !isOnline(await app.call('shazbotGetServerList'), other),
        'a part of the rejected body was merged',
      )
    }
  })

  test('fixed in v2, 13: a control message without a boolean online is rejected and changes nothing', async (t) => {
    const { app } = await startSubject(t, { env: QUIET })
    for (const online of [undefined, null, 'false', 'true', 0, 1, {}]) {
      await assertBadMessage(
        app.call('shazbotControlRequest', CONTROL_SECRET, { message: 'control', online }),
        /online/,
      )
      assert.ok(
        isOnline(await app.call('shazbotGetServerList'), app.baseUrl),
        'the rejected message drained the server',
      )
    }
  })

  test('fixed in v2, 13: a control message that is not an object is rejected', async (t) => {
    const { app } = await startSubject(t, { env: QUIET })
    for (const message of [undefined, null, 'text', 7, true, []]) {
      await assertBadMessage(
        app.call('shazbotControlRequest', CONTROL_SECRET, message),
        /message|body|online/,
      )
    }
  })

  test('fixed in v2, 13: the secret is checked before the body', async (t) => {
    const { app } = await startSubject(t, { env: QUIET })
    for (const [name, secret] of [
      ['shazbotGossipRequest', 'SHAZBOT_SECRET'],
      ['shazbotControlRequest', 'SHAZBOT_CONTROL_SECRET'],
    ]) {
      await assert.rejects(app.call(name, 'wrong', null), { message: `Unauthorized: Invalid ${secret}` })
    }
  })
})
