'use strict'

const { Refusal } = require('../http/refusal.js')

/** Throws unless a body is said to be JSON in UTF-8; one of which nothing is said may be. */
function requireJson(contentType = 'application/json') {
  const [type, ...parameters] = contentType.toLowerCase().split(';')
  if (!/^application\/(?:\S+\+)?json$/.test(type.trim())) {
    throw new Refusal(415, 'The Content-Type must be application/json')
  }
  const charset = parameters.find((parameter) => parameter.trim().startsWith('charset='))
  if (charset && !/="?(?:utf-?8|us-ascii)"?\s*$/.test(charset))
    throw new Refusal(415, 'The charset must be utf-8')
}

/** Throws where a body comes compressed, as no server sends it. */
function requireIdentity(encoding = 'identity') {
  if (encoding.toLowerCase() !== 'identity')
    throw new Refusal(415, 'The body must come without Content-Encoding')
}

module.exports = { requireJson, requireIdentity }
