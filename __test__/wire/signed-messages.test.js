'use strict'

/**
 * Challenges, proofs and signed messages, made and verified by an implementation of their own:
 * `support/signing.js`. What the adapter and the function say to a message is the same.
 */

const { describe, test } = require('node:test')
const assert = require('node:assert/strict')
const http = require('node:http')
const { shazbotHandler } = require('clustershazbot/node')

const { listen } = require('../support/adapter-hosts')
const { aWhileAgo, entry, isOnline, urlsOf } = require('../support/entries')
const { CONTROL_SECRET, SECRET } = require('../support/environment')
const { eventually } = require('../support/eventually')
const { getList, request } = require('../support/http')
const { BASE_URL, challenge, shazbot, start } = require('../support/in-process')
const { PROCESS, claim, createNativePeer, extension, signMessage } = require('../support/native')
const signing = require('../support/signing')

const SENDER = 'http://127.0.0.1:9/sender/'
const NEWS = 'http://127.0.0.1:9/news/'
const REJECTION = 'Unauthorized: Invalid signature'
const REJECTED_BODY = 'Unauthorized: The body is not the one that was signed'

let lastSequence = 0n

/** A challenge as the list route answers it: `{ status, list }`. */
const CHALLENGES = {
  'an adapter': async (baseUrl, header) => {
    const { status, json } = await getList(baseUrl, header)
    return { status, list: json }
  },
  'the function': async (_, header) => ({ status: 200, list: await shazbot.shazbotListRequest(header) }),
}

/** A message as the gossip route answers it: `{ status, answer }`. */
const WAYS = {
  'an adapter': async (baseUrl, header, message) => {
    const headers = { 'Content-Type': 'application/json', Authorization: header }
    const body = JSON.stringify(message)
    const { status, json } = await request(`${baseUrl}clustershazbot/gossip`, {
      method: 'POST',
      headers,
      body,
    })
    return { status, answer: json }
  },
  'the function': async (_, header, message) => {
    try {
      return { status: 200, answer: await shazbot.shazbotGossipRequest(header, message) }
    } catch ({ status, message }) {
      return { status, answer: { error: message } }
    }
  },
}

const messageWith = (payload) => ({ message: 'gossip', online: [], offline: [], v2: payload })

/** A message from the sender with news, and the parts that a test may change before signing. */
function draft(proof, more) {
  const news = `${NEWS}${++lastSequence}/`
  return {
    extension: extension(SENDER, { claims: [claim(news)] }),
    sender: { baseUrl: SENDER, process: PROCESS },
    receiver: { baseUrl: proof.baseUrl, process: proof.process, epoch: proof.epoch },
    sequence: lastSequence,
    secret: SECRET,
    news,
    ...more,
  }
}

function signed({ extension, sender, receiver, sequence, secret, news }) {
  const payload = signing.encode(extension)
  const request = signing.signRequest(sender, receiver, sequence, payload, secret)
  return { payload, news, request, header: request.header, message: messageWith(payload) }
}

/** Changes one field of a header, counted from 0. */
function withField(header, index, change) {
  const fields = header.split('.')
  fields[index] = change(fields[index])
  return fields.join('.')
}

/** Base64url text with another last bit that counts, or another number. */
const altered = (text) => (text.startsWith('A') ? 'B' : 'A') + text.slice(1)
const increased = (number) => String(BigInt(number) + 1n)

/** What is wrong with the header of a signed message: how it is made from a proof. */
const WRONG_HEADERS = {
  'another secret': (proof) => signed(draft(proof, { secret: 'another secret' })),
  'another URL of its receiver': (proof) => {
    const { receiver } = draft(proof)
    return signed(draft(proof, { receiver: { ...receiver, baseUrl: `${BASE_URL}other/` } }))
  },
  'another process of its receiver': (proof) => {
    const { receiver } = draft(proof)
    return signed(draft(proof, { receiver: { ...receiver, process: proof.process ^ 1n } }))
  },
  'a later epoch': (proof) => {
    const { receiver } = draft(proof)
    return signed(draft(proof, { receiver: { ...receiver, epoch: proof.epoch + 1n } }))
  },
  'a group as its receiver, although no sibling was met': (proof) => {
    const receiver = { baseUrl: proof.baseUrl, clock: BigInt(Date.now()) }
    return signed(draft(proof, { receiver }))
  },
  'another key id': (proof) => tampered(proof, 1, altered),
  'another process of its sender': (proof) => tampered(proof, 2, altered),
  'another epoch than it was signed for': (proof) => tampered(proof, 3, () => 'e1'),
  'another sequence': (proof) => tampered(proof, 4, increased),
  'another length': (proof) => tampered(proof, 5, increased),
  'another digest': (proof) => tampered(proof, 6, altered),
  'another signature': (proof) => tampered(proof, 7, altered),
  'another version': (proof) => tampered(proof, 0, () => 'Shazbot 20'),
  'too few fields': (proof) => ({ ...signed(draft(proof)), header: 'Shazbot 2.a.b' }),
  'a process number of 0': (proof) =>
    signed(
      draft(proof, { sender: { baseUrl: SENDER, process: 0n }, extension: extension(SENDER, { id: '0' }) }),
    ),
}

/** What is wrong with the body of a message whose signature is valid. */
const WRONG_BODIES = {
  'the URL of another sender in its extension': (proof) =>
    signed(draft(proof, { sender: { baseUrl: `${SENDER}other/`, process: PROCESS } })),
  'the process of another sender in its extension': (proof) =>
    signed(draft(proof, { sender: { baseUrl: SENDER, process: PROCESS + 1n } })),
  'another payload': (proof) => {
    const { payload } = signed(draft(proof))
    return { ...signed(draft(proof)), message: messageWith(payload) }
  },
  'a shortened payload': (proof) => {
    const message = signed(draft(proof))
    return { ...message, message: messageWith(message.payload.slice(0, -4)) }
  },
  'no payload': (proof) => ({ ...signed(draft(proof)), message: messageWith(undefined) }),
  'its extension as an object': (proof) => {
    const message = draft(proof)
    return { ...signed(message), message: messageWith(message.extension) }
  },
}

function tampered(proof, index, change) {
  const message = signed(draft(proof))
  return { ...message, header: withField(message.header, index, change) }
}

async function startWithAdapter(t, options) {
  await start(t, options)
  return listen(t, http.createServer(shazbotHandler()))
}

/** Challenges a server; resolves with what its proof says. */
async function proofOf(ask, baseUrl) {
  const { nonce, header } = signing.challenge()
  const { list } = await ask(baseUrl, header)
  return signing.readProof(list.proof, nonce, SECRET)
}

const ownList = () => shazbot.shazbotGetServerList(true)

for (const [way, send] of Object.entries(WAYS)) {
  const ask = CHALLENGES[way]

  describe(`signed messages, through ${way}`, () => {
    test('a challenge is answered with the own entry and a proof', async (t) => {
      const baseUrl = await startWithAdapter(t, { servers: [entry(NEWS, Date.now())] })
      const { nonce, header } = signing.challenge()
      const { status, list } = await ask(baseUrl, header)
      assert.equal(status, 200)
      assert.deepEqual([Object.keys(list), urlsOf(list.online)], [['online', 'proof'], [BASE_URL]])
      const { process, epoch, ...proof } = signing.readProof(list.proof, nonce, SECRET)
      assert.equal(proof.baseUrl, BASE_URL)
      assert.ok(process > 0n && epoch === 0n)
      assert.equal(signing.readProof(list.proof, signing.challenge().nonce, SECRET), undefined)
      assert.equal(signing.readProof(list.proof, nonce, 'another secret'), undefined)
      const again = await proofOf(ask, baseUrl)
      assert.equal(again.process, process)
    })

    test('any other header gets the public list', async (t) => {
      const baseUrl = await startWithAdapter(t)
      for (const header of [
        '',
        'Shazbot-Challenge',
        'Shazbot-Challenge x',
        `Shazbot-Challenge ${'A'.repeat(23)}`,
      ])
        assert.deepEqual(Object.keys((await ask(baseUrl, header)).list), ['online'], header)
      assert.deepEqual(Object.keys((await ask(baseUrl, CONTROL_SECRET)).list), ['online', 'offline'])
    })

    test('a signed message is merged, and its response is signed', async (t) => {
      const baseUrl = await startWithAdapter(t)
      const proof = await proofOf(ask, baseUrl)
      const { header, message, news, request } = signed(draft(proof))
      const { status, answer } = await send(baseUrl, header, message)
      assert.equal(status, 200)
      const { v2, ...plain } = answer
      assert.deepEqual(plain, { message: 'gossip', online: [], offline: [] })
      const response = signing.readResponse(v2, BASE_URL, request, SECRET)
      assert.deepEqual([response.process, response.epoch], [proof.process, proof.epoch])
      const { me, id } = signing.decode(response.payload, response)
      assert.deepEqual([me[0], BigInt(`0x${id}`)], [BASE_URL, proof.process])
      assert.ok(isOnline(ownList(), news) && isOnline(ownList(), SENDER))

      // It answers this request, and no other one.
      const other = signed(draft(proof)).request
      assert.equal(signing.readResponse(v2, BASE_URL, other, SECRET), undefined)
      assert.equal(signing.readResponse(altered(v2), BASE_URL, request, SECRET), undefined)
    })

    test('a wrong message is rejected, and changes nothing', async (t) => {
      const baseUrl = await startWithAdapter(t)
      const proof = await proofOf(ask, baseUrl)
      for (const [wrong, error] of [
        [WRONG_HEADERS, REJECTION],
        [WRONG_BODIES, REJECTED_BODY],
      ]) {
        for (const [what, make] of Object.entries(wrong)) {
          const { header, message } = make(proof)
          const listed = { ...message, online: [entry(NEWS, aWhileAgo())] }
          const { status, answer } = await send(baseUrl, header, listed)
          assert.deepEqual([status, answer], [401, { error }], what)
          assert.deepEqual(urlsOf(ownList().online), [BASE_URL], what)
        }
      }
    })

    test('a message is accepted once', async (t) => {
      const baseUrl = await startWithAdapter(t)
      const proof = await proofOf(ask, baseUrl)
      const messages = Array.from({ length: 70 }, () => signed(draft(proof)))
      const statusOf = async ({ header, message }) => (await send(baseUrl, header, message)).status
      // They may overtake each other.
      for (const message of [messages[1], messages[0], messages[69], messages[6]])
        assert.equal(await statusOf(message), 200)
      for (const message of [messages[1], messages[0], messages[69], messages[6]])
        assert.equal(await statusOf(message), 401)
      // It is new, but older than the last 64.
      assert.equal(await statusOf(messages[5]), 401)
      assert.ok(!isOnline(ownList(), messages[5].news))
    })

    test('a rejected message may be sent again unchanged', async (t) => {
      const baseUrl = await startWithAdapter(t)
      const proof = await proofOf(ask, baseUrl)
      const { header, message } = signed(draft(proof))
      assert.equal((await send(baseUrl, header, messageWith('changed'))).status, 401)
      assert.equal((await send(baseUrl, header, message)).status, 200)
    })

    test('a message to an earlier process is rejected', async (t) => {
      const baseUrl = await startWithAdapter(t)
      const before = await proofOf(ask, baseUrl)
      const { header, message } = signed(draft(before))
      await shazbot.shazbotShutDown()
      await shazbot.shazbotStart()
      assert.equal((await send(baseUrl, header, message)).status, 401)
      const after = await proofOf(ask, baseUrl)
      assert.notEqual(after.process, before.process)
    })

    test('the body of a signed message is checked', async (t) => {
      const baseUrl = await startWithAdapter(t)
      const proof = await proofOf(ask, baseUrl)
      for (const lists of [{ online: undefined }, { online: 5 }, { offline: null }]) {
        const { header, message } = signed(draft(proof))
        assert.equal((await send(baseUrl, header, { ...message, ...lists })).status, 400)
      }
    })
  })
}

/** The most bytes that signatures may add to a request and its response together. */
const MOST_MORE = 200

test('a steady signed exchange is hardly longer than one with the raw secret', async (t) => {
  const peer = await createNativePeer(t)
  const env = { SHAZBOT_PROBE_INTERVAL: '0.2' }
  await start(t, { servers: [entry(peer.baseUrl, Date.now())], env })
  const isSteady = ({ kind, claims }) => ['probe', 'push'].includes(kind) && !claims
  const isSteadyProbe = ({ signed, json }) => signed && isSteady(json.v2)
  const request = await eventually(() => peer.requests.findLast(isSteadyProbe), { what: 'a probe' })
  const length = request.text.length + request.headers.authorization.length
  const ofRequest = length - SECRET.length - JSON.stringify(messageWith(request.json.v2)).length

  const ask = async () => {
    const { header, message, open } = signMessage({ v2: extension(SENDER) }, await challenge())
    const answer = await shazbot.shazbotGossipRequest(header, message)
    const unsigned = messageWith(open(answer.v2))
    const more = JSON.stringify(answer).length - JSON.stringify(unsigned).length
    return isSteady(unsigned.v2) ? { more } : undefined
  }
  const { more: ofAnswer } = await eventually(ask, { what: 'an answer without news' })
  t.diagnostic(`${ofRequest} and ${ofAnswer} bytes more`)
  assert.ok(ofRequest + ofAnswer <= MOST_MORE)
})
