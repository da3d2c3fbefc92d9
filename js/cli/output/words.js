'use strict'

/** Formats a number of things. */
const counted = (count, noun) => `${count} ${noun}${count === 1 ? '' : 's'}`

module.exports = { counted }
