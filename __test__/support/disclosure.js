'use strict'

const BITS_PER_BYTE = 8
const BITS_PER_CHARACTER = 6

/** The ways in which a secret may appear in bytes, by name. */
function spellingsOf(secret) {
  const bytes = Buffer.from(secret)
  const spellings = {
    plain: secret,
    'in a URL': encodeURIComponent(secret),
    'in a form': new URLSearchParams({ secret }).toString().slice('secret='.length),
    'in hexadecimal': bytes.toString('hex'),
  }
  // It may begin at any byte of a group of three.
  for (const before of [0, 1, 2]) {
    for (const encoding of ['base64', 'base64url']) {
      const text = Buffer.concat([Buffer.alloc(before), bytes]).toString(encoding)
      spellings[`in ${encoding} after ${before} bytes`] = text.slice(
        Math.ceil((before * BITS_PER_BYTE) / BITS_PER_CHARACTER),
        Math.floor(((before + bytes.length) * BITS_PER_BYTE) / BITS_PER_CHARACTER),
      )
    }
  }
  return spellings
}

/** The spellings of a secret that these bytes contain, whatever their case. */
function disclosuresOf(secret, bytes) {
  const text = bytes.toString('latin1').toLowerCase()
  return Object.entries(spellingsOf(secret)).flatMap(([name, spelling]) =>
    text.includes(spelling.toLowerCase()) ? [name] : [],
  )
}

module.exports = { disclosuresOf }
