'use strict'

/** A seeded random number generator: a function that returns an integer from 0 to below `sides`. */
function seededRandom(seed) {
  let state = seed
  return (sides) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return Math.floor((state / 2 ** 32) * sides)
  }
}

module.exports = { seededRandom }
