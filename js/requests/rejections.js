'use strict'

const { channel } = require('node:diagnostics_channel')

const { REJECTIONS } = require('../engine/errors.js')
const { countReceived } = require('./received.js')

/** Publishes each rejected request; `docs/errors.md` describes the messages. */
const security = channel('clustershazbot:security')

/**
 * Why a request was rejected.
 *
 * @typedef {'secret' | 'key' | 'signature' | 'stale' | 'replayed' | 'senders' | 'payload' | 'sibling'
 *   | 'policy' | 'certificate' | 'malformed' | 'too-large' | 'limited' | 'method' | 'not-started'} Reason
 */

/** @type {Record<number, Reason>} */
const REASON_OF_STATUS = {
  400: 'malformed',
  401: 'secret',
  405: 'method',
  408: 'limited',
  413: 'too-large',
  415: 'malformed',
  429: 'limited',
  503: 'not-started',
}

/** Rejected requests of this environment by reason. */
const counted = Object.fromEntries(
  ['certificate', ...REJECTIONS, ...Object.values(REASON_OF_STATUS)].map((reason) => [reason, 0]),
)

/**
 * Returns why a request with this response or error was rejected; undefined if it was not.
 *
 * @param {{ status?: number, reason?: Reason }} outcome the reason is missing if the status tells it
 * @returns {Reason | undefined}
 */
function reasonOf({ status, reason }) {
  return reason ?? REASON_OF_STATUS[status]
}

/**
 * Counts a rejected request, and publishes it if somebody has subscribed.
 *
 * @param {Reason} reason
 * @param {{ route: 'gossip' | 'list' | 'control', authorization: unknown, address?: string }} request
 *   the address is unknown to hand-written routes
 */
function record(reason, { route, authorization, address }) {
  counted[reason]++
  countReceived(route, authorization, reason)
  if (security.hasSubscribers) security.publish({ reason, address, route })
}

/**
 * Returns how many requests were rejected for each reason.
 *
 * @returns {Record<Reason, number>}
 */
function counts() {
  return { ...counted }
}

module.exports = { reasonOf, record, counts }
