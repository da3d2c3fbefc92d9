'use strict'

/**
 * Failed authorizations that one network may cause at once. While secrets are rotated, 300 servers
 * behind one NAT may start together and retry once.
 */
const BURST = 600

/**
 * The time until one more is allowed, in ms. At 20 per second, those 300 servers may ask twice per
 * gossip interval of 30 s, as version 1 does; a secret of 16 characters is not guessed at that
 * rate.
 */
const PERIOD = 50

/**
 * Networks with a bucket of their own: more than callers of one server have, in 1 MB. The others
 * share one, so a flood of addresses frees nobody.
 */
const MAX_NETWORKS = 10_000

/** The time between two searches for buckets that are full again, in ms. */
const SWEEP_INTERVAL = 100

/** The bucket of networks without one of their own. No network has this name. */
const OTHERS = 'others'

/** Token buckets for failed authorizations, by network. */
class FailureLimit {
  /** When each bucket is full again. One that is full already needs no entry. */
  #fullAt = new Map()
  #sweptAt = Number.NEGATIVE_INFINITY

  /**
   * Counts a failed authorization. Returns false if it is one too many.
   *
   * @param {string} network
   * @param {number} now in ms
   * @returns {boolean}
   */
  allows(network, now) {
    const bucket = this.#bucketOf(network, now)
    const fullAt = Math.max(this.#fullAt.get(bucket) ?? now, now) + PERIOD
    if (fullAt > now + BURST * PERIOD) return false
    this.#fullAt.set(bucket, fullAt)
    return true
  }

  /** The number of buckets, which is bounded. */
  get size() {
    return this.#fullAt.size
  }

  /** A bucket in use is never dropped, because that would fill it. */
  #bucketOf(network, now) {
    if (this.#fullAt.has(network)) return network
    if (now - this.#sweptAt >= SWEEP_INTERVAL) this.#dropFull(now)
    return this.#fullAt.size < MAX_NETWORKS ? network : OTHERS
  }

  #dropFull(now) {
    this.#sweptAt = now
    for (const [network, fullAt] of this.#fullAt) if (fullAt <= now) this.#fullAt.delete(network)
  }
}

module.exports = { FailureLimit, BURST, PERIOD, MAX_NETWORKS }
