'use strict'

/** How the header of a native server begins: a signature or a challenge. */
const NATIVE = /^Shazbot[ -]/

/** The answered and rejected requests, by route, wire and outcome. */
const counts = new Map()

/**
 * Counts a request. The engine itself counts the gossip that it accepts.
 *
 * @param {string} route such as `gossip`
 * @param {unknown} authorization its header, which tells the wire
 * @param {string} outcome `ok`, or why it was rejected
 */
function countReceived(route, authorization, outcome) {
  const wire = typeof authorization === 'string' && NATIVE.test(authorization) ? 'native' : 'plain'
  const key = `${route} ${wire} ${outcome}`
  const count = counts.get(key)
  if (count) count.value++
  else counts.set(key, { labels: { route, wire, outcome }, value: 1 })
}

/** Returns the counts. */
function receivedRequests() {
  return [...counts.values()]
}

module.exports = { countReceived, receivedRequests }
