'use strict'

/**
 * An implementation of challenges, proofs and signed messages that shares no code with the package.
 *
 * A process number is a BigInt, as are an epoch, a sequence and a clock.
 */

const crypto = require('node:crypto')

const VERSION = '2'
const SALT = 'clustershazbot/2 stretched secret'
const STRETCH_ROUNDS = 200_000
const KEY_BYTES = 32
const KEY_ID_BYTES = 6
const NONCE_BYTES = 16
const MAC_BYTES = 16
const CHALLENGE_SCHEME = 'Shazbot-Challenge '
const SCHEME = 'Shazbot '
/** The process number that stands for all processes behind a URL. */
const ANY_PROCESS = 0n

/** By secret: a stretch takes tens of milliseconds. */
const derived = new Map()

/** Returns the keys of a secret: `{ id, proof, request, response, control }`, each a Buffer. */
function keysOf(secret) {
  if (!derived.has(secret)) derived.set(secret, derive(secret))
  return derived.get(secret)
}

function derive(secret) {
  const stretched = crypto.pbkdf2Sync(secret, SALT, STRETCH_ROUNDS, KEY_BYTES, 'sha256')
  const expand = (purpose) =>
    Buffer.from(crypto.hkdfSync('sha256', stretched, SALT, `clustershazbot/2 ${purpose}`, KEY_BYTES))
  return {
    id: expand('key id').subarray(0, KEY_ID_BYTES),
    proof: expand('proof'),
    request: expand('request'),
    response: expand('response'),
    control: expand('control'),
  }
}

/** The printed id of a secret's keys. */
const keyId = (secret) => print(keysOf(secret).id)

/** The MAC of fields, each preceded by its length; printed. */
function macOf(key, fields) {
  const hmac = crypto.createHmac('sha256', key)
  for (const field of fields) {
    const bytes = Buffer.from(field)
    hmac.update(bytes8(bytes.length)).update(bytes)
  }
  return print(hmac.digest().subarray(0, MAC_BYTES))
}

const print = (bytes) => bytes.toString('base64url')
const printProcess = (process) => print(bytes8(process))
const digestOf = (payload) => crypto.createHash('sha256').update(payload).digest()

/** A number as 8 bytes, the highest first. */
function bytes8(number) {
  const bytes = Buffer.alloc(8)
  bytes.writeBigUInt64BE(BigInt(number))
  return bytes
}

/** Reads a printed process number. */
const readProcess = (text) => Buffer.from(text, 'base64url').readBigUInt64BE()

/** Splits a text at its first dots. The last field may contain dots. */
function fieldsOf(text, count) {
  const parts = text.split('.')
  return [...parts.slice(0, count - 1), parts.slice(count - 1).join('.')]
}

/** Returns the normalised form of a base URL, under which servers sign. */
function normalised(baseUrl) {
  const { href } = new URL(baseUrl)
  return href.endsWith('/') ? href : `${href}/`
}

/** Returns a new nonce, and the `Authorization` header of a challenge with it. */
function challenge() {
  const nonce = print(crypto.randomBytes(NONCE_BYTES))
  return { nonce, header: `${CHALLENGE_SCHEME}${nonce}` }
}

/** Returns the nonce in the header of a challenge; undefined for another header. */
function readChallenge(header = '') {
  return header.startsWith(CHALLENGE_SCHEME) ? header.slice(CHALLENGE_SCHEME.length) : undefined
}

/**
 * Returns the proof of a process that answers a challenge.
 *
 * @param {string} nonce
 * @param {{ baseUrl: string, process: bigint, epoch?: bigint, sequence?: bigint }} prover
 * @param {string} secret
 */
function prove(nonce, { baseUrl, process, epoch = 0n, sequence = 0n }, secret) {
  const mac = proofMac({ nonce, baseUrl, process, epoch, sequence }, secret)
  return [VERSION, keyId(secret), printProcess(process), epoch, sequence, mac, baseUrl].join('.')
}

/** Returns what a proof says; undefined unless a holder of the secret made it for this nonce. */
function readProof(text, nonce, secret) {
  const [version, id, process, epoch, sequence, mac, baseUrl] = fieldsOf(text, 7)
  if (version !== VERSION || id !== keyId(secret)) return undefined
  const proof = {
    baseUrl,
    process: readProcess(process),
    epoch: BigInt(epoch),
    sequence: BigInt(sequence),
  }
  return mac === proofMac({ nonce, ...proof }, secret) ? proof : undefined
}

function proofMac({ nonce, baseUrl, process, epoch, sequence }, secret) {
  const keys = keysOf(secret)
  const nonceBytes = Buffer.from(nonce, 'base64url')
  const numbers = [process, epoch, sequence].map(bytes8)
  return macOf(keys.proof, ['proof', VERSION, keys.id, nonceBytes, baseUrl, ...numbers])
}

/**
 * Signs a request. `receiver` has a `process` and its `epoch`, or a `clock` for any process behind
 * its URL.
 *
 * @param {{ baseUrl: string, process: bigint }} sender
 * @param {{ baseUrl: string, process?: bigint, epoch?: bigint, clock?: bigint }} receiver
 * @param {bigint} sequence
 * @param {string} payload
 * @param {string} secret
 * @param {'gossip' | 'control' | 'list'} [route]
 * @returns {{ header: string, sender: object, sequence: bigint, mac: string }}
 */
function signRequest(sender, receiver, sequence, payload, secret, route = 'gossip') {
  const { clock } = receiver
  const freshness = clock === undefined ? `e${receiver.epoch}` : `c${clock}`
  const request = { sender, freshness, sequence, length: payload.length, digest: digestOf(payload) }
  const mac = requestMac(request, receiver, secret, route)
  const fields = [VERSION, keyId(secret), printProcess(sender.process), freshness, sequence, payload.length]
  const header = SCHEME + [...fields, print(request.digest), mac, sender.baseUrl].join('.')
  return { header, sender, sequence, mac }
}

/** Whether a header is that of a signed request. */
const isSigned = (header = '') => header.startsWith(`${SCHEME}${VERSION}.`)

/**
 * Verifies the header and the payload of a gossip request to a receiver; undefined if one of them
 * is wrong.
 *
 * @returns {{ sender: object, freshness: string, sequence: bigint, mac: string } | undefined}
 */
function verifyRequest(header, receiver, payload, secret) {
  const fields = fieldsOf(header.slice(SCHEME.length), 9)
  const [version, id, process, freshness, sequence, length, digest, mac, baseUrl] = fields
  if (version !== VERSION || id !== keyId(secret)) return undefined
  const request = {
    sender: { baseUrl, process: readProcess(process) },
    freshness,
    sequence: BigInt(sequence),
    length: Number(length),
    digest: Buffer.from(digest, 'base64url'),
  }
  const isGenuine = mac === requestMac(request, receiver, secret)
  const isCovered = request.length === payload.length && request.digest.equals(digestOf(payload))
  return isGenuine && isCovered ? { ...request, mac } : undefined
}

function requestMac({ sender, freshness, sequence, length, digest }, receiver, secret, route = 'gossip') {
  const keys = keysOf(secret)
  const letter = freshness[0]
  return macOf(route === 'gossip' ? keys.request : keys.control, [
    `${route} request`,
    VERSION,
    keys.id,
    sender.baseUrl,
    bytes8(sender.process),
    receiver.baseUrl,
    bytes8(letter === 'c' ? ANY_PROCESS : receiver.process),
    letter,
    bytes8(freshness.slice(1)),
    bytes8(sequence),
    Buffer.concat([bytes8(length), digest]),
  ])
}

/**
 * Signs the response to a request; returns the value of its `v2` field.
 *
 * @param {{ baseUrl: string, process: bigint, epoch?: bigint }} responder
 * @param {{ sender: object, sequence: bigint, mac: string }} request
 */
function signResponse({ epoch = 0n, ...responder }, request, payload, secret) {
  const mac = responseMac({ epoch, ...responder }, request, payload, secret)
  return [VERSION, keyId(secret), printProcess(responder.process), epoch, mac, payload].join('.')
}

/**
 * Returns the payload in the `v2` field of a response, and its signer's process and epoch;
 * undefined unless the server at this URL signed it for this request.
 */
function readResponse(text, baseUrl, request, secret) {
  const [version, id, printed, epoch, mac, payload] = fieldsOf(text, 6)
  if (version !== VERSION || id !== keyId(secret)) return undefined
  const responder = { baseUrl, process: readProcess(printed), epoch: BigInt(epoch) }
  const isGenuine = mac === responseMac(responder, request, payload, secret)
  return isGenuine ? { ...responder, payload } : undefined
}

function responseMac(responder, { sender, sequence, mac }, payload, secret) {
  const keys = keysOf(secret)
  return macOf(keys.response, [
    'gossip response',
    VERSION,
    keys.id,
    responder.baseUrl,
    bytes8(responder.process),
    sender.baseUrl,
    Buffer.concat([bytes8(sender.process), bytes8(sequence)]),
    bytes8(responder.epoch),
    Buffer.concat([bytes8(payload.length), digestOf(payload)]),
    Buffer.from(mac, 'base64url'),
  ])
}

/** The payload of a message: its extension as one base64url string. */
const encode = (extension) => print(Buffer.from(JSON.stringify(extension)))

/**
 * Returns the extension in a payload. It may omit what the signature says about its signer.
 *
 * @param {string} payload
 * @param {{ baseUrl: string, process: bigint }} [signer]
 */
function decode(payload, signer) {
  const extension = JSON.parse(Buffer.from(payload, 'base64url'))
  if (!signer || !Array.isArray(extension?.me)) return extension
  const [baseUrl, ...claim] = extension.me
  const { id = signer.process.toString(16) } = extension
  return { ...extension, me: [baseUrl || signer.baseUrl, ...claim], id }
}

module.exports = {
  keyId,
  readProcess,
  normalised,
  challenge,
  readChallenge,
  prove,
  readProof,
  signRequest,
  isSigned,
  verifyRequest,
  signResponse,
  readResponse,
  encode,
  decode,
}
