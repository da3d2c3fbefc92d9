'use strict'

/** Returns the total size of the parts in bytes; strings among them are in ASCII. */
const sizeOf = (parts) => parts.reduce((size, part) => size + part.length, 0)

/** Yields the same bytes in slices of at most `size` bytes, without copying. */
function* slicesOf(parts, size) {
  for (const part of parts)
    for (let from = 0; from < part.length; from += size) yield part.subarray(from, from + size)
}

module.exports = { sizeOf, slicesOf }
