'use strict'

/**
 * A second implementation of docs/owners.md, without the addon and as plain as possible.
 */

const MASK = 2n ** 64n - 1n

const rotl = (word, bits) => ((word << bits) | (word >> (64n - bits))) & MASK
const add = (one, other) => (one + other) & MASK
const multiply = (one, other) => (one * other) & MASK

/** The finaliser of SplitMix64. */
function mix(number) {
  let z = add(number, 0x9e3779b97f4a7c15n)
  z = multiply(z ^ (z >> 30n), 0xbf58476d1ce4e5b9n)
  z = multiply(z ^ (z >> 27n), 0x94d049bb133111ebn)
  return z ^ (z >> 31n)
}

/** SipHash-1-3 of bytes, whose key is 16 zero bytes. */
function sipHash(bytes) {
  let [v0, v1, v2, v3] = [0x736f6d6570736575n, 0x646f72616e646f6dn, 0x6c7967656e657261n, 0x7465646279746573n]
  const round = () => {
    v0 = add(v0, v1)
    v1 = rotl(v1, 13n) ^ v0
    v0 = rotl(v0, 32n)
    v2 = add(v2, v3)
    v3 = rotl(v3, 16n) ^ v2
    v0 = add(v0, v3)
    v3 = rotl(v3, 21n) ^ v0
    v2 = add(v2, v1)
    v1 = rotl(v1, 17n) ^ v2
    v2 = rotl(v2, 32n)
  }
  const padded = Buffer.alloc(8 * (Math.floor(bytes.length / 8) + 1))
  padded.set(bytes)
  padded[padded.length - 1] = bytes.length % 256
  for (let at = 0; at < padded.length; at += 8) {
    const word = padded.readBigUInt64LE(at)
    v3 ^= word
    round()
    v0 ^= word
  }
  v2 ^= 0xffn
  for (let rounds = 0; rounds < 3; rounds++) round()
  return v0 ^ v1 ^ v2 ^ v3
}

/** The normalised form of a base URL. */
function normalised(baseUrl) {
  const url = new URL(baseUrl)
  if (!url.pathname.endsWith('/')) url.pathname += '/'
  return url.href
}

const serverNumber = (baseUrl) => sipHash(Buffer.from(normalised(baseUrl)))
const keyNumber = (key) => mix(sipHash(Buffer.from(key)))

/** Returns the base URLs in the order in which they would own a key. */
function ranking(baseUrls, key) {
  const number = keyNumber(key)
  const ranked = baseUrls.map((baseUrl) => ({
    baseUrl,
    url: Buffer.from(normalised(baseUrl)),
    score: mix(serverNumber(baseUrl) ^ number),
  }))
  const order = (one, other) => {
    if (one.score !== other.score) return one.score > other.score ? -1 : 1
    return Buffer.compare(one.url, other.url)
  }
  return ranked.sort(order).map(({ baseUrl }) => baseUrl)
}

/** Formats a number as documents show it: 16 hexadecimal digits. */
const hex = (number) => number.toString(16).padStart(16, '0')

module.exports = { hex, keyNumber, normalised, ranking, serverNumber }
