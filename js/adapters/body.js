'use strict'

const { Refusal } = require('./refusal.js')

/**
 * The body of a request that says it is JSON: its bytes, or the value that a body parser has made of them before.
 *
 * @param {import('node:http').IncomingMessage & { body?: unknown }} request
 * @param {number} limit the largest size in bytes
 * @returns {Promise<{ bytes: Uint8Array } | { value: unknown }>}
 */
async function readBody(request, limit) {
  const { body, headers } = request
  requireJson(headers['content-type'])
  // Parsers of Express 4 leave an empty object where they have read nothing.
  if (body !== undefined && request.readableDidRead !== false) return parsedBody(body)
  if (request.readableEnded) throw new Refusal(400, 'The body was read before, and nothing is left of it')
  requireIdentity(headers['content-encoding'])
  if (Number(headers['content-length']) > limit) throw tooLarge(limit)
  return { bytes: await collect(request, limit) }
}

/** What is read on another thread must not change meanwhile, so bytes that others have are copied. */
function parsedBody(body) {
  return typeof body === 'string' || ArrayBuffer.isView(body) ? { bytes: Buffer.from(body) } : { value: body }
}

function requireJson(contentType = 'application/json') {
  const [type, ...parameters] = contentType.toLowerCase().split(';')
  if (!/^application\/(?:\S+\+)?json$/.test(type.trim())) {
    throw new Refusal(415, 'The Content-Type must be application/json')
  }
  const charset = parameters.map((parameter) => parameter.trim()).find((text) => text.startsWith('charset='))
  if (charset && !/^charset="?(?:utf-?8|us-ascii)"?$/.test(charset)) {
    throw new Refusal(415, 'The charset of the Content-Type must be utf-8')
  }
}

function requireIdentity(contentEncoding = 'identity') {
  if (contentEncoding.toLowerCase() === 'identity') return
  throw new Refusal(415, 'The body must come without Content-Encoding', { 'Accept-Encoding': 'identity' })
}

/** What comes beyond the limit is read and dropped: whoever is still sending does not look for an answer. */
function collect(request, limit) {
  return new Promise((resolve, reject) => {
    const chunks = []
    let size = 0
    request.on('data', (chunk) => {
      size += chunk.length
      if (size <= limit) return chunks.push(typeof chunk === 'string' ? Buffer.from(chunk) : chunk)
      chunks.length = 0
      reject(tooLarge(limit))
    })
    request.on('end', () => resolve(chunks.length === 1 ? chunks[0] : Buffer.concat(chunks)))
    for (const end of ['error', 'close']) request.on(end, () => reject(brokenOff()))
  })
}

const tooLarge = (limit) => new Refusal(413, `The body must have at most ${limit} bytes`)
const brokenOff = () => new Refusal(400, 'The body did not come to its end')

module.exports = { readBody }
