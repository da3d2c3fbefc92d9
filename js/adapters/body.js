'use strict'

const { requireIdentity, requireJson } = require('./content-type.js')
const { Refusal } = require('./refusal.js')
const { awaitsLeave } = require('./send.js')

/**
 * The body of a request that says it is JSON: its bytes in parts, or the value that a body parser has made of them before.
 *
 * @param {import('node:http').IncomingMessage & { body?: unknown }} request
 * @param {import('node:http').ServerResponse} response
 * @param {number} limit the largest size in bytes
 * @returns {Promise<{ parts: Uint8Array[] } | { value: unknown }>}
 */
async function readBody(request, response, limit) {
  const { body, headers } = request
  requireJson(headers['content-type'])
  // Parsers of Express 4 leave an empty object where they have read nothing.
  if (body !== undefined && request.readableDidRead !== false) return parsedBody(body)
  if (request.readableEnded) throw new Refusal(400, 'The body was read before, and nothing is left of it')
  requireIdentity(headers['content-encoding'])
  if (Number(headers['content-length']) > limit) throw tooLarge(limit)
  if (awaitsLeave(request)) response.writeContinue()
  return { parts: await collect(request, limit) }
}

/** What is read on another thread must not change meanwhile, so bytes that others have are copied. */
function parsedBody(body) {
  return typeof body === 'string' || ArrayBuffer.isView(body)
    ? { parts: [Buffer.from(body)] }
    : { value: body }
}

/** The parts stay apart, for to join them is dear. What comes beyond the limit is read and dropped: whoever is still sending does not look for an answer. */
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
    request.on('end', () => resolve(chunks))
    for (const end of ['error', 'close'])
      request.on(end, () => reject(new Refusal(400, 'The body broke off')))
  })
}

const tooLarge = (limit) => new Refusal(413, `The body must have at most ${limit} bytes`)

module.exports = { readBody }
