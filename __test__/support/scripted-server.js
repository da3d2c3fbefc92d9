'use strict'

const http = require('node:http')
const { readText, parsed } = require('./http')

/**
 * An HTTP server in the test process that records every request and answers as scripted.
 *
 * A response is `{status, headers, body}`, with a string, a Buffer or a JSON value as body. Or it
 * is a function of node's `(response, request)` that may do anything, including nothing.
 *
 * @param {import('node:test').TestContext} t the server is closed when this test ends
 * @param {(request: RecordedRequest) => unknown} answer may be asynchronous
 * @param {{host?: string, port?: number, listen?: boolean}} [options]
 *
 * @typedef {{at: number, method: string, path: string, headers: object, rawHeaders: string[], text: string,
 *   json: any}} RecordedRequest `at` by performance.now()
 */
async function createScriptedServer(t, answer, { host = '127.0.0.1', port = 0, listen = true } = {}) {
  const requests = []
  const server = http.createServer(async (incoming, response) => {
    const { method, url: path, headers, rawHeaders } = incoming
    const at = performance.now()
    try {
      const text = await readText(incoming)
      const recorded = { at, method, path, headers, rawHeaders, text, json: parsed(text) }
      requests.push(recorded)
      send(response, await answer(recorded), incoming)
    } catch (error) {
      // The caller disconnected during its request, so there is nothing to record or answer.
      response.destroy(error)
    }
  })

  const scripted = {
    requests,
    host,
    port,
    get origin() {
      return `http://${host}:${scripted.port}`
    },
    /** Listens, on the previous port if there was one. */
    async open() {
      await new Promise((resolve, reject) => {
        server.once('error', reject)
        server.listen(scripted.port, host, () => {
          server.off('error', reject)
          resolve()
        })
      })
      scripted.port = server.address().port
    },
    /** Stops listening and closes every connection, like a killed process. */
    async close() {
      if (!server.listening) return
      const closed = new Promise((resolve) => server.close(resolve))
      server.closeAllConnections()
      await closed
    },
  }
  t.after(() => scripted.close())
  if (listen) await scripted.open()
  return scripted
}

function send(response, answer, incoming) {
  if (response.destroyed) return
  if (typeof answer === 'function') {
    answer(response, incoming)
    return
  }
  const { status = 200, headers = {}, body } = answer
  const isRaw = typeof body === 'string' || Buffer.isBuffer(body) || body === undefined
  const type = isRaw ? {} : { 'Content-Type': 'application/json' }
  response.writeHead(status, { ...type, ...headers })
  response.end(isRaw ? body : JSON.stringify(body))
}

/** Broken responses, for scripts. */
const answers = {
  /** Never sends a byte. */
  silence: () => () => {},
  /** Sends headers and the start of a body, then nothing. */
  stall: () => (response) => {
    response.writeHead(200, { 'Content-Type': 'application/json' })
    response.write('{"message":')
  },
  /** Resets the connection. */
  reset: () => (response) => response.destroy(),
}

module.exports = { createScriptedServer, answers }
