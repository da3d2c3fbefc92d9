'use strict'

const crypto = require('node:crypto')
const { NOT_ALLOWED } = require('../output/exit-codes.js')
const { Failure } = require('../output/failure.js')
const { shownUrl } = require('./request.js')

// The scheme of docs/security.md.
const VERSION = '2'
const SALT = 'clustershazbot/2 stretched secret'
const STRETCH_ROUNDS = 200_000
const KEY_BYTES = 32
const KEY_ID_BYTES = 6
const NONCE_BYTES = 16
const MAC_BYTES = 16

/** The sender of signed requests. The scheme leaves its URL and its number to choice. */
const SENDER = { baseUrl: 'http://localhost/', process: 1n }

/** The keys of each secret: to stretch one takes tens of milliseconds. */
const derived = new Map()

/** Proofs, with the process, its epoch, the sequence, the MAC and the base URL. */
const PROOF = /"proof":"2\.([\w-]{8})\.([\w-]{11})\.(\d{1,19})\.(\d{1,19})\.([\w-]{22})\.([^"\\]+)"/

/**
 * Requests a private list without sending the secret: a challenge, and the request that is signed
 * for the process that answers it.
 *
 * @param {string} baseUrl that of the server. A proof for another one may be relayed.
 * @param {(authorization: string) => Promise<import('./request.js').Answer>} ask
 * @param {string} secret the control secret, or that of gossip
 */
async function signedList(baseUrl, ask, secret) {
  const { answer, proof } = await challenge(ask)
  if (proof && proof.baseUrl === baseUrl) return ask(signedHeader(proof, keysOf(secret)))
  throw new Failure(
    NOT_ALLOWED,
    `${shownUrl(answer.url)} shows its list only to holders of a secret, and cannot verify signatures.`,
    'Name its URL in the command, so that the secret is sent to it.',
  )
}

/**
 * Asks a server for a proof.
 *
 * @param {(authorization: string) => Promise<import('./request.js').Answer>} ask
 */
async function challenge(ask) {
  const nonce = crypto.randomBytes(NONCE_BYTES)
  const answer = await ask(`Shazbot-Challenge ${print(nonce)}`)
  const [, id, process, epoch, sequence, mac, baseUrl] = PROOF.exec(answer.text) ?? []
  const proof = id && { id, process: Buffer.from(process, 'base64url'), epoch, sequence, mac, baseUrl }
  return { nonce, answer, proof }
}

/** Whether a process has proved that it holds a secret. */
function isProvedBy({ nonce, proof }, secret) {
  const { id, process, epoch, sequence, mac, baseUrl } = proof
  const keys = keysOf(secret)
  const numbers = [process, bytes8(epoch), bytes8(sequence)]
  return (
    id === print(keys.id) &&
    mac === macOf(keys.proof, ['proof', VERSION, keys.id, nonce, baseUrl, ...numbers])
  )
}

function signedHeader({ process, epoch, sequence, baseUrl }, keys) {
  const digest = crypto.createHash('sha256').update('').digest()
  const sender = bytes8(SENDER.process)
  const mac = macOf(keys.control, [
    'list request',
    VERSION,
    keys.id,
    SENDER.baseUrl,
    sender,
    baseUrl,
    process,
    'e',
    bytes8(epoch),
    bytes8(sequence),
    Buffer.concat([bytes8(0), digest]),
  ])
  const fields = [VERSION, print(keys.id), print(sender), `e${epoch}`, sequence, 0, print(digest), mac]
  return `Shazbot ${fields.join('.')}.${SENDER.baseUrl}`
}

function keysOf(secret) {
  if (!derived.has(secret)) derived.set(secret, derive(secret))
  return derived.get(secret)
}

function derive(secret) {
  const stretched = crypto.pbkdf2Sync(secret, SALT, STRETCH_ROUNDS, KEY_BYTES, 'sha256')
  const expand = (purpose, size) =>
    Buffer.from(crypto.hkdfSync('sha256', stretched, SALT, `clustershazbot/2 ${purpose}`, size))
  return {
    id: expand('key id', KEY_BYTES).subarray(0, KEY_ID_BYTES),
    proof: expand('proof', KEY_BYTES),
    control: expand('control', KEY_BYTES),
  }
}

/** The MAC of fields, each preceded by its length; printed. */
function macOf(key, fields) {
  const hmac = crypto.createHmac('sha256', key)
  for (const field of fields) {
    const bytes = Buffer.from(field)
    hmac.update(bytes8(bytes.length)).update(bytes)
  }
  return print(hmac.digest().subarray(0, MAC_BYTES))
}

/** A number as 8 bytes, the highest first. */
function bytes8(number) {
  const bytes = Buffer.alloc(8)
  bytes.writeBigUInt64BE(BigInt(number))
  return bytes
}

const print = (bytes) => bytes.toString('base64url')

module.exports = { challenge, isProvedBy, signedList }
