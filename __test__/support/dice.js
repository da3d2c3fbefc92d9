'use strict'

/** Numbers that look thrown, and are the same for the same seed: a function of the number of sides, from 0 on. */
function dice(seed) {
  let state = seed
  return (sides) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return Math.floor((state / 2 ** 32) * sides)
  }
}

module.exports = { dice }
