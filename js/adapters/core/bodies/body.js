'use strict'

const { BodyReader } = require('./body-reader.js')
const { requireIdentity, requireJson } = require('./content-type.js')
const { HttpError, tooLarge } = require('../http/http-error.js')

/**
 * Reads a JSON request body: its bytes in parts, or the value from an earlier body parser. Returns
 * neither if memory was exhausted or the sender was too slow while others waited. `release` frees
 * the memory after the response.
 *
 * @param {import('node:http').IncomingMessage & { body?: unknown }} request
 * @param {import('node:http').ServerResponse} response
 * @param {number} limit the largest size in bytes
 * @returns {Promise<{ parts?: Uint8Array[], value?: unknown, release?: () => void }>}
 */
async function readBody(request, response, limit) {
  const { body, headers } = request
  requireJson(headers['content-type'])
  // Parsers of Express 4 leave an empty object if they have read nothing.
  if (body !== undefined && request.readableDidRead !== false) return parsedBody(body)
  if (request.readableEnded) throw new HttpError(400, 'The body has already been read')
  requireIdentity(headers['content-encoding'])
  const declared = headers['content-length']
  if (declared === undefined) return new BodyReader(request, limit).read(response)
  if (Number(declared) > limit) throw tooLarge(limit)
  return new BodyReader(request, limit).read(response, Number(declared))
}

/**
 * Another thread may read the bytes, which must not change, so bytes that others hold are copied.
 */
function parsedBody(body) {
  return typeof body === 'string' || ArrayBuffer.isView(body)
    ? { parts: [Buffer.from(body)] }
    : { value: body }
}

module.exports = { readBody }
