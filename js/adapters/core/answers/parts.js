'use strict'

/** The size of bytes in parts. */
const sizeOf = (parts) => parts.reduce((size, part) => size + part.length, 0)

/** The same bytes in slices of at most this size; nothing is copied. */
function* slicesOf(parts, size) {
  for (const part of parts)
    for (let from = 0; from < part.length; from += size) yield part.subarray(from, from + size)
}

module.exports = { sizeOf, slicesOf }
