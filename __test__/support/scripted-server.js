'use strict'

const http = require('node:http')
const { readText, parsed } = require('./http')

/**
 * An HTTP server in the test process that records every request exactly as it came, and answers as it is told.
 *
 * An answer is `{status, headers, body}`, the body a string, a Buffer or a value for JSON; or a function that is given
 * node's `(response, request)` and does what it likes, also nothing.
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
      // The caller went away in the middle of its request: nothing to record, nobody to answer.
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
    /** Listens, on the same port as before if there was one. */
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
    /** Stops listening and cuts every connection, as a killed process does. */
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

/** Answers that are no answers, for scripts. */
const answers = {
  /** Never sends a byte. */
  silence: () => () => {},
  /** Sends headers and the beginning of a body, then nothing. */
  stall: () => (response) => {
    response.writeHead(200, { 'Content-Type': 'application/json' })
    response.write('{"message":')
  },
  /** Cuts the connection. */
  reset: () => (response) => response.destroy(),
}

module.exports = { createScriptedServer, answers }
