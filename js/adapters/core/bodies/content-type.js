'use strict'

const { HttpError } = require('../http/http-error.js')

/** Throws unless the header declares JSON in UTF-8 or is missing. */
function requireJson(contentType = 'application/json') {
  const [type, ...parameters] = contentType.toLowerCase().split(';')
  if (!/^application\/(?:\S+\+)?json$/.test(type.trim())) {
    throw new HttpError(415, 'The Content-Type must be application/json')
  }
  const charset = parameters.find((parameter) => parameter.trim().startsWith('charset='))
  if (charset && !/="?(?:utf-?8|us-ascii)"?\s*$/.test(charset))
    throw new HttpError(415, 'The charset must be utf-8')
}

/** Throws if a body is compressed, which no server sends. */
function requireIdentity(encoding = 'identity') {
  if (encoding.toLowerCase() !== 'identity')
    throw new HttpError(415, 'The body must not have a Content-Encoding')
}

module.exports = { requireJson, requireIdentity }
