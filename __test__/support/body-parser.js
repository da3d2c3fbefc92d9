'use strict'

/** What `express.json()` and Fastify make of a body: they skip one byte order mark. */
const parse = (bytes) => JSON.parse(new TextDecoder().decode(bytes))

module.exports = { parse }
