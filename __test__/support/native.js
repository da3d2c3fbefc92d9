'use strict'

const { createFakePeer } = require('./fake-peer')
const { SECRET } = require('./environment')
const { request } = require('./http')

const INCARNATION = Math.floor(Date.now() / 1_000)

/**
 * What stands under `v2` in a message of version 2: the sender, its state, and what else is given.
 *
 * @param {string} baseUrl the sender
 * @param {object} [more] keys in place of the usual ones, or beside them
 */
const extension = (baseUrl, more) => ({
  me: [baseUrl, 'alive', INCARNATION, Date.now(), 0],
  id: 'f00d',
  kind: 'push',
  living: 1,
  hash: '0',
  ...more,
})

/** A server as it is told of in the `claims` of a `v2`. */
const claim = (baseUrl, status = 'alive', incarnation = INCARNATION) => [
  baseUrl,
  status,
  incarnation,
  Date.now(),
  0,
]

/** Gossips with a server, with `v2` or whatever else beside the lists; resolves with its whole answer. */
function postMessage(baseUrl, message, secret = SECRET) {
  const headers = { 'Content-Type': 'application/json', Authorization: secret }
  const body = JSON.stringify({ message: 'gossip', online: [], offline: [], ...message })
  return request(`${baseUrl}clustershazbot/gossip`, { method: 'POST', headers, body })
}

/**
 * A fake peer of version 2: a message with `v2` is answered in kind, and says that it knows the very servers that the asker
 * knows, so that neither wants to know more. `peer.says` is put into its answers.
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
