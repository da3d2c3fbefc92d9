'use strict'

const { AssertionError } = require('node:assert')
const { createFakePeer } = require('./fake-peer')
const { entry } = require('./entries')
const { SECRET } = require('./environment')
const { getList, request } = require('./http')
const { createScriptedServer } = require('./scripted-server')
const signing = require('./signing')

const INCARNATION = Math.floor(Date.now() / 1_000)
/** The process number of all fake native servers. */
const PROCESS = 0xf00dn
const MAX_BASE_URL_LENGTH = 512
const UNUSED_URL = 'http://127.0.0.1:9/'

/**
 * The `v2` of a version 2 message: the sender, its state, and additional keys.
 *
 * @param {string} baseUrl the sender
 * @param {object} [more] keys that replace the usual ones, or extend them
 */
const extension = (baseUrl, more) => ({
  me: [baseUrl, 'alive', INCARNATION, Date.now(), 0],
  id: PROCESS.toString(16),
  kind: 'push',
  living: 1,
  hash: '0',
  ...more,
})

/** A server in the `claims` of a `v2`. */
const claim = (baseUrl, status = 'alive', incarnation = INCARNATION) => [
  baseUrl,
  status,
  incarnation,
  Date.now(),
  0,
]

/**
 * Sends a gossip message with the raw secret, `v2` or other keys beside the lists; resolves with
 * the whole response.
 */
function postRaw(baseUrl, message, authorization = SECRET) {
  const headers = { 'Content-Type': 'application/json', Authorization: authorization }
  const body = JSON.stringify({ message: 'gossip', online: [], offline: [], ...message })
  return request(`${baseUrl}clustershazbot/gossip`, { method: 'POST', headers, body })
}

/** Challenges a server; resolves with what its proof says, or undefined without one. */
async function challenge(baseUrl, secret = SECRET) {
  const { nonce, header } = signing.challenge()
  const { json } = await getList(baseUrl, header)
  return json?.proof && signing.readProof(json.proof, nonce, secret)
}

/** The sequence of the last signed message of this process. */
let lastSequence = 0n

/**
 * Signs a payload for a server that has proved itself. Returns the header, and a function that
 * verifies and decodes the `v2` of the response.
 */
function signPayload(payload, proof, secret = SECRET) {
  const signed = signing.signRequest(senderIn(payload), proof, ++lastSequence, payload, secret)
  return {
    header: signed.header,
    open(text) {
      const response = signing.readResponse(text, proof.baseUrl, signed, secret)
      if (!response) throw new AssertionError({ message: `A response is not signed: ${text}` })
      return signing.decode(response.payload, response)
    },
  }
}

/** Signs a message, whose `v2` names the sender. Returns the message with its payload too. */
function signMessage({ v2, ...more }, proof, secret = SECRET) {
  const payload = signing.encode(v2)
  const message = { message: 'gossip', online: [], offline: [], ...more, v2: payload }
  return { message, ...signPayload(payload, proof, secret) }
}

/** The sender that a payload names; another one if it is malformed. */
function senderIn(payload) {
  const { me, id } = extensionIn(payload)
  // A header with the process number 0 is malformed, too.
  const isProcess = /^(?!0*$)[0-9a-f]{1,16}$/.test(id)
  const baseUrl = URL.canParse(me?.[0]) ? signing.normalised(me[0]) : UNUSED_URL
  return {
    // A header with a longer URL is malformed.
    baseUrl: baseUrl.length <= MAX_BASE_URL_LENGTH ? baseUrl : UNUSED_URL,
    process: isProcess ? BigInt(`0x${id}`) : PROCESS,
  }
}

function extensionIn(payload) {
  try {
    return signing.decode(payload) ?? {}
  } catch {
    return {}
  }
}

/** The proofs of servers, by secret and base URL. */
const proofs = new Map()

/**
 * Sends a message as a native server does: an object `v2` is signed if the receiver proves itself.
 * Resolves with the whole response, with the decoded extension as `json.v2`.
 */
async function postMessage(baseUrl, message, secret = SECRET) {
  if (typeof message.v2 !== 'object' || message.v2 === null) return postRaw(baseUrl, message, secret)
  const key = `${secret} ${baseUrl}`
  const known = proofs.get(key)
  const proof = known ?? (await challenge(baseUrl, secret))
  if (!proof) return postRaw(baseUrl, message, secret)
  const signed = signMessage(message, proof, secret)
  const response = await postRaw(baseUrl, signed.message, signed.header)
  if (response.status === 401 && known) {
    // The server has started again.
    proofs.delete(key)
    return postMessage(baseUrl, message, secret)
  }
  proofs.set(key, proof)
  if (response.status === 200) response.json.v2 = signed.open(response.json.v2)
  return response
}

/** The fake native server at a URL, as a party of messages. */
const partyAt = (baseUrl) => ({ baseUrl: signing.normalised(baseUrl), process: PROCESS })

const proofOf = (baseUrl, nonce) => signing.prove(nonce, partyAt(baseUrl), SECRET)

/**
 * Verifies a signed request to the fake native server at a URL. The recorded request then has the
 * decoded extension as `json.v2`, and `signed`.
 */
function openRequest(baseUrl, request) {
  const { authorization } = request.headers
  if (!signing.isSigned(authorization)) return
  request.signed = signing.verifyRequest(authorization, partyAt(baseUrl), request.json.v2, SECRET)
  if (request.signed) request.json.v2 = signing.decode(request.json.v2, request.signed.sender)
}

/** Signs an answer to a signed request, or rejects the request. */
function signAnswer(baseUrl, { headers, signed }, answer) {
  if (!signing.isSigned(headers.authorization)) return answer
  if (!signed) return { status: 401, body: { error: 'Unauthorized: Invalid signature' } }
  if (!answer.body?.v2) return answer
  const payload = signing.encode(answer.body.v2)
  const v2 = signing.signResponse(partyAt(baseUrl), signed, payload, SECRET)
  return { ...answer, body: { ...answer.body, v2 } }
}

/**
 * A fake version 2 peer. It proves itself, and expects signed messages, whose decoded extensions it
 * records. It claims to know exactly the servers that the sender knows, so that neither requests
 * more. `peer.says` is added to its responses.
 */
async function createNativePeer(t, options) {
  const peer = await createFakePeer(t, options)
  peer.says = {}
  peer.receive = (request) => openRequest(peer.baseUrl, request)
  peer.respond = (request, answer) => signAnswer(peer.baseUrl, request, answer)
  peer.healthyList = ({ headers }) => {
    const nonce = signing.readChallenge(headers.authorization)
    return { body: nonce ? { ...peer.list(), proof: proofOf(peer.baseUrl, nonce) } : peer.list() }
  }
  peer.healthyGossip = ({ signed, json: { v2 } }) => {
    if (signed) return { body: agreement(peer.baseUrl, v2, peer.says) }
    const proof = v2?.nonce && { proof: proofOf(peer.baseUrl, v2.nonce) }
    return { body: { message: 'gossip', ...peer.list(), v2: proof } }
  }
  return peer
}

/** A response of a server that knows exactly the servers that the sender knows. */
function agreement(baseUrl, { living, hash }, more) {
  return { message: 'gossip', online: [], offline: [], v2: extension(baseUrl, { living, hash, ...more }) }
}

/**
 * Many fake version 2 peers behind one port, with different paths in their base URLs; `heard` are
 * the URLs of those that were sent a signed message.
 */
async function createNativePeers(t, size) {
  const heard = new Set()
  const server = await createScriptedServer(t, (request) => {
    const baseUrl = `${server.origin}/${request.path.split('/')[1]}/`
    const nonce = signing.readChallenge(request.headers.authorization)
    if (nonce) return { body: { online: [entry(baseUrl)], proof: proofOf(baseUrl, nonce) } }
    openRequest(baseUrl, request)
    if (request.signed) heard.add(baseUrl)
    return signAnswer(baseUrl, request, { body: agreement(baseUrl, request.json?.v2 ?? {}) })
  })
  const baseUrls = Array.from({ length: size }, (_, index) => `${server.origin}/native-${index}/`)
  return { baseUrls, heard }
}

module.exports = {
  INCARNATION,
  PROCESS,
  extension,
  claim,
  challenge,
  signPayload,
  signMessage,
  postRaw,
  postMessage,
  createNativePeer,
  createNativePeers,
}
