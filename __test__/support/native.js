'use strict'

const { createFakePeer } = require('./fake-peer')
const { SECRET } = require('./environment')
const { request } = require('./http')

const INCARNATION = Math.floor(Date.now() / 1_000)

/**
 * The `v2` of a version 2 message: the sender, its state, and additional keys.
 *
 * @param {string} baseUrl the sender
 * @param {object} [more] keys that replace the usual ones, or extend them
 */
const extension = (baseUrl, more) => ({
  me: [baseUrl, 'alive', INCARNATION, Date.now(), 0],
  id: 'f00d',
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
 * Sends a gossip message with `v2` or other keys beside the lists; resolves with the whole
 * response.
 */
function postMessage(baseUrl, message, secret = SECRET) {
  const headers = { 'Content-Type': 'application/json', Authorization: secret }
  const body = JSON.stringify({ message: 'gossip', online: [], offline: [], ...message })
  return request(`${baseUrl}clustershazbot/gossip`, { method: 'POST', headers, body })
}

/**
 * A fake version 2 peer. It answers `v2` in kind, and claims to know exactly the servers that the
 * sender knows, so that neither requests more. `peer.says` is added to its responses.
 */
async function createNativePeer(t, options) {
  const peer = await createFakePeer(t, options)
  peer.says = {}
  peer.onGossip = ({ json: { v2 } }) => {
    if (!v2) return undefined
    const { living, hash } = v2
    const answer = extension(peer.baseUrl, { living, hash, ...peer.says })
    return { body: { message: 'gossip', online: [], offline: [], v2: answer } }
  }
  return peer
}

module.exports = { INCARNATION, extension, claim, postMessage, createNativePeer }
