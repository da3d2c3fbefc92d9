'use strict'

/**
 * Signed control and list requests. Their sequence comes from a challenge, so none counts twice.
 */

const { describe, test } = require('node:test')
const assert = require('node:assert/strict')
const { subscribe, unsubscribe } = require('node:diagnostics_channel')
const http = require('node:http')
const { shazbotHandler } = require('clustershazbot/node')

const { listen } = require('../support/adapter-hosts')
const { urlsOf } = require('../support/entries')
const { CONTROL_SECRET, SECRET } = require('../support/environment')
const { eventually } = require('../support/eventually')
const { getList, request } = require('../support/http')
const { BASE_URL, shazbot, start } = require('../support/in-process')
const signing = require('../support/signing')

const OPERATOR = { baseUrl: 'http://127.0.0.1:9/operator/', process: 0x0f_f1_ceen }
const REJECTION = 'Unauthorized: Invalid signature'
const REJECTED_BODY = 'Unauthorized: The body is not the one that was signed'

/** Ways to send a control request: `{ status, json }`. */
const CONTROL = {
  'an adapter': (baseUrl, header, message) =>
    request(`${baseUrl}clustershazbot/control`, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json', Authorization: header },
      body: JSON.stringify(message),
    }),
  'the function': (_, header, message) =>
    outcomeOf(() => shazbot.shazbotControlRequest(header, message).then(() => ({ success: true }))),
}

/** Ways to send a list request: `{ status, json }`. */
const LIST = {
  'an adapter': (baseUrl, header) => getList(baseUrl, header),
  'the function': (_, header) => outcomeOf(() => shazbot.shazbotListRequest(header)),
}

async function outcomeOf(answer) {
  try {
    return { status: 200, json: await answer() }
  } catch ({ status, message }) {
    return { status, json: { error: message } }
  }
}

/** Starts the engine behind an adapter, and waits until it can verify control requests. */
async function startServer(t, env) {
  const baseUrl = await listen(t, http.createServer(shazbotHandler()))
  await start(t, { env })
  await eventually(
    async () => (await LIST['an adapter'](baseUrl, await signedList(baseUrl))).status === 200,
    {
      what: 'it verifies control requests',
    },
  )
  return baseUrl
}

/** Returns the process that a challenge meets, with a fresh sequence. */
async function proofOf(baseUrl) {
  const { nonce, header } = signing.challenge()
  const { json } = await getList(baseUrl, header)
  return signing.readProof(json.proof, nonce, SECRET)
}

const signedList = async (baseUrl, secret = CONTROL_SECRET) => {
  const proof = await proofOf(baseUrl)
  return signing.signRequest(OPERATOR, proof, proof.sequence, '', secret, 'list').header
}

/** A drain, and the parts that a test may change before signing. */
async function drain(baseUrl, change = {}) {
  const proof = await proofOf(baseUrl)
  const { receiver, sequence, secret, route, online } = {
    receiver: proof,
    sequence: proof.sequence,
    secret: CONTROL_SECRET,
    route: 'control',
    online: false,
    ...change,
  }
  const payload = signing.encode({ message: 'control', online })
  const { header } = signing.signRequest(OPERATOR, receiver, sequence, payload, secret, route)
  return { header, message: { message: 'control', v2: payload } }
}

const isOnline = () => urlsOf(shazbot.shazbotGetServerList().online).includes(BASE_URL)

for (const [way, send] of Object.entries(CONTROL)) {
  describe(`wire: signed control requests to ${way}`, () => {
    test('a drain counts once', async (t) => {
      const baseUrl = await startServer(t)
      const { header, message } = await drain(baseUrl)
      assert.equal((await send(baseUrl, header, message)).status, 200)
      assert.equal(isOnline(), false)
      const resume = await drain(baseUrl, { online: true })
      assert.equal((await send(baseUrl, resume.header, resume.message)).status, 200)
      assert.equal(isOnline(), true)
      const { status, json } = await send(baseUrl, header, message)
      assert.deepEqual({ status, error: json.error }, { status: 401, error: REJECTION })
      assert.equal(isOnline(), true)
    })

    test('a request that is not genuine changes nothing', async (t) => {
      const baseUrl = await startServer(t)
      const proof = await proofOf(baseUrl)
      const changes = {
        'of a later time': { sequence: proof.sequence + 3_600_000n },
        'under the gossip secret': { secret: SECRET },
        'under another secret': { secret: 'quite another secret of the cluster' },
        'for the list': { route: 'list' },
        'for another server': { receiver: { ...proof, baseUrl: 'http://127.0.0.1:9/' } },
        'for another process': { receiver: { ...proof, process: proof.process ^ 1n } },
        'for any process': { receiver: { ...proof, clock: BigInt(Date.now()) } },
        'of a past epoch': { receiver: { ...proof, epoch: proof.epoch + 2n } },
      }
      for (const [what, change] of Object.entries(changes)) {
        const { header, message } = await drain(baseUrl, change)
        const { status, json } = await send(baseUrl, header, message)
        assert.deepEqual({ status, error: json.error }, { status: 401, error: REJECTION }, what)
      }
      const { header } = await drain(baseUrl)
      for (const v2 of [signing.encode({ message: 'control', online: true }), '', undefined, 5, {}]) {
        assert.equal((await send(baseUrl, header, { message: 'control', online: false, v2 })).status, 401)
      }
      assert.equal(isOnline(), true)
    })

    test('a genuine payload that is no control message is described', async (t) => {
      const baseUrl = await startServer(t)
      for (const payload of ['', 'bm8', signing.encode({ online: 1 }), signing.encode(null)]) {
        const proof = await proofOf(baseUrl)
        const { header } = signing.signRequest(
          OPERATOR,
          proof,
          proof.sequence,
          payload,
          CONTROL_SECRET,
          'control',
        )
        const { status, json } = await send(baseUrl, header, { v2: payload })
        assert.equal(status, 400)
        assert.match(json.error, /^Invalid control message: /)
        // The next proof must have a sequence of its own.
        await eventually(async () => (await proofOf(baseUrl)).sequence > proof.sequence, {
          what: 'time passes',
        })
      }
      assert.equal(isOnline(), true)
    })
  })
}

for (const [way, send] of Object.entries(LIST)) {
  describe(`wire: signed list requests to ${way}`, () => {
    test('the key decides which servers are shown, once', async (t) => {
      const baseUrl = await startServer(t, { SHAZBOT_LIST: 'secret' })
      for (const secret of [SECRET, CONTROL_SECRET]) {
        const header = await signedList(baseUrl, secret)
        const { status, json } = await send(baseUrl, header)
        assert.equal(status, 200)
        assert.deepEqual(urlsOf(json.online), [BASE_URL])
        assert.equal(Array.isArray(json.offline), secret === CONTROL_SECRET)
        const { status: again, json: rejected } = await send(baseUrl, header)
        assert.deepEqual({ again, error: rejected.error }, { again: 401, error: REJECTION })
      }
      const { status, json } = await send(baseUrl, '')
      assert.deepEqual(
        { status, error: json.error },
        { status: 401, error: 'Unauthorized: Invalid SHAZBOT_SECRET' },
      )
    })

    test('an invalid signature is rejected, although the list is open', async (t) => {
      const baseUrl = await startServer(t)
      const { status } = await send(baseUrl, await signedList(baseUrl, 'quite another secret of the cluster'))
      assert.equal(status, 401)
    })
  })
}

describe('wire: reasons of rejections', () => {
  test('audits hear why a signature was rejected, callers do not', async (t) => {
    const baseUrl = await startServer(t, { SHAZBOT_LEGACY: 'off' })
    const heard = []
    const listener = ({ reason, route }) => heard.push(`${route}: ${reason}`)
    subscribe('clustershazbot:security', listener)
    t.after(() => unsubscribe('clustershazbot:security', listener))

    const drained = await drain(baseUrl, { online: true })
    const proof = await proofOf(baseUrl)
    const cases = [
      ['control: payload', { ...drained, message: {} }],
      ['control: key', await drain(baseUrl, { secret: 'quite another secret of the cluster' })],
      ['control: signature', await drain(baseUrl, { route: 'list' })],
      ['control: stale', await drain(baseUrl, { receiver: { ...proof, epoch: 7n } })],
    ]
    for (const send of Object.values(CONTROL)) {
      for (const [reason, { header, message }] of cases) {
        heard.length = 0
        const { status, json } = await send(baseUrl, header, message)
        const error = reason.endsWith('payload') ? REJECTED_BODY : REJECTION
        assert.deepEqual({ status, error: json.error }, { status: 401, error })
        assert.deepEqual(heard, [reason])
      }
    }
    heard.length = 0
    const forged = await signedList(baseUrl, 'quite another secret of the cluster')
    for (const send of Object.values(LIST)) assert.equal((await send(baseUrl, forged)).status, 401)
    assert.deepEqual(heard, ['list: key', 'list: key'])
    heard.length = 0
    assert.equal((await CONTROL['an adapter'](baseUrl, drained.header, drained.message)).status, 200)
    assert.equal((await CONTROL['an adapter'](baseUrl, drained.header, drained.message)).status, 401)
    const headers = { 'Content-Type': 'application/json', Authorization: SECRET }
    await request(`${baseUrl}clustershazbot/gossip`, { method: 'POST', headers, body: '{"online":[]}' })
    assert.deepEqual(heard, ['control: replayed', 'gossip: policy'])
  })
})
