'use strict'

const { BodyReader } = require('./body-reader.js')
const { requireIdentity, requireJson } = require('./content-type.js')
const { Refusal, tooLarge } = require('../http/refusal.js')

/**
 * The body of a request that says it is JSON: its bytes in parts, or the value that a body parser has made of them before.
 * Neither if there was no room for it in time, or if its sender was too slow while others waited. `release` gives its room
 * back once it has been answered.
 *
 * @param {import('node:http').IncomingMessage & { body?: unknown }} request
 * @param {import('node:http').ServerResponse} response
 * @param {number} limit the largest size in bytes
 * @returns {Promise<{ parts?: Uint8Array[], value?: unknown, release?: () => void }>}
 */
async function readBody(request, response, limit) {
  const { body, headers } = request
  requireJson(headers['content-type'])
  // Parsers of Express 4 leave an empty object where they have read nothing.
  if (body !== undefined && request.readableDidRead !== false) return parsedBody(body)
  if (request.readableEnded) throw new Refusal(400, 'The body was read before, and nothing is left of it')
  requireIdentity(headers['content-encoding'])
  const declared = headers['content-length']
  if (declared === undefined) return new BodyReader(request, limit).read(response)
  if (Number(declared) > limit) throw tooLarge(limit)
  return new BodyReader(request, limit).read(response, Number(declared))
}

/** What is read on another thread must not change meanwhile, so bytes that others have are copied. */
function parsedBody(body) {
  return typeof body === 'string' || ArrayBuffer.isView(body)
    ? { parts: [Buffer.from(body)] }
    : { value: body }
}

module.exports = { readBody }
