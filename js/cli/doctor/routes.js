'use strict'

const { randomBytes } = require('node:crypto')
const { request } = require('../http/request.js')

/** A size that lists have in clusters of 2,000 servers, in bytes, and that body parsers reject. */
const LARGE = 200_000

/** Returns a secret that no server has. */
const wrongSecret = () => `wrong-${randomBytes(24).toString('base64url')}`

/**
 * Sends a gossip message that names no server, so it changes nothing.
 *
 * @param {string} baseUrl
 * @param {import('../client/list.js').Access} access
 * @param {{ authorization: string, isLarge?: boolean }} options
 */
function sendGossip(baseUrl, access, { authorization, isLarge = false }) {
  const message = { message: 'gossip', online: [], offline: [] }
  return post(`${baseUrl}clustershazbot/gossip`, access, {
    authorization,
    message: isLarge ? { ...message, padding: 'x'.repeat(LARGE) } : message,
  })
}

/**
 * Sends the control message that brings a server back, which changes nothing if it is online.
 *
 * @param {string} baseUrl
 * @param {import('../client/list.js').Access} access
 * @param {string} authorization
 */
function sendResume(baseUrl, access, authorization) {
  const message = { message: 'control', online: true }
  return post(`${baseUrl}clustershazbot/control`, access, { authorization, message })
}

function post(url, { timeout, tls }, { authorization, message }) {
  const headers = { 'Content-Type': 'application/json' }
  return request(url, { method: 'POST', headers, authorization, body: JSON.stringify(message), timeout, tls })
}

module.exports = { LARGE, sendGossip, sendResume, wrongSecret }
