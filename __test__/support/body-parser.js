'use strict'

/** Parses a body like `express.json()` and Fastify, which skip one byte order mark. */
const parse = (bytes) => JSON.parse(new TextDecoder().decode(bytes))

module.exports = { parse }
