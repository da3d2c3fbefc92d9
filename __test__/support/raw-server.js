'use strict'

const net = require('node:net')
const tls = require('node:tls')
const { parsed } = require('./http')

/**
 * A server below HTTP: it records the raw bytes of each request, and all that it receives. It
 * answers with any bytes, on any connection, at any time.
 *
 * @param {import('node:test').TestContext} t the server is closed when this test ends
 * @param {(request: RawRequest, connection: RawConnection) => unknown} answer returns the bytes to
 * send (see `bytes`), or undefined if it used the connection itself; may be asynchronous
 * @param {{secure?: import('node:tls').TlsOptions}} [options]
 *
 * @typedef {{id: number, socket: import('node:net').Socket, requests: number, closed: boolean, closedAt?: number,
 *   endedByClient: boolean}} RawConnection
 * @typedef {{at: number, connection: RawConnection, ordinal: number, method: string, target: string,
 *   headers: [string, string][], head: string, body: Buffer, text: string, json: any,
 *   header: (name: string) => string | undefined}} RawRequest `ordinal` counts the requests of its connection from 1;
 *   header names are in lower case, their values Latin-1
 */
async function createRawServer(t, answer, { secure } = {}) {
  const requests = []
  const connections = []
  const chunks = []

  function accept(socket) {
    const connection = { id: connections.length, socket, requests: 0, closed: false, endedByClient: false }
    connections.push(connection)
    let received = Buffer.alloc(0)
    socket.on('data', async (chunk) => {
      chunks.push(chunk)
      received = Buffer.concat([received, chunk])
      for (;;) {
        const taken = takeRequest(received)
        if (!taken) return
        received = received.subarray(taken.size)
        const ordinal = ++connection.requests
        const request = { at: performance.now(), connection, ordinal, ...taken.request }
        requests.push(request)
        const reply = await answer(request, connection)
        if (reply !== undefined && !socket.destroyed) socket.write(reply)
      }
    })
    socket.on('end', () => {
      connection.endedByClient ||= !socket.writableEnded
    })
    socket.on('close', () => {
      connection.closed = true
      connection.closedAt = performance.now()
    })
    // The client may disconnect at any time.
    socket.on('error', () => {})
  }

  const server = secure ? tls.createServer(secure, accept) : net.createServer(accept)
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve))
  t.after(() => {
    server.close()
    for (const { socket } of connections) socket.destroy()
  })
  const { port } = server.address()
  const origin = `${secure ? 'https' : 'http'}://127.0.0.1:${port}`
  return { requests, connections, port, origin, received: () => Buffer.concat(chunks) }
}

/** Returns the first complete request of the received bytes, and its size. */
function takeRequest(received) {
  const end = received.indexOf('\r\n\r\n')
  if (end < 0) return undefined
  const head = received.subarray(0, end).toString('latin1')
  const [requestLine, ...lines] = head.split('\r\n')
  const headers = lines.map((line) => {
    const colon = line.indexOf(':')
    return [line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim()]
  })
  const header = (name) => headers.find(([key]) => key === name)?.[1]
  const length = Number(header('content-length') ?? 0)
  const size = end + 4 + length
  if (received.length < size) return undefined
  const body = received.subarray(end + 4, size)
  const text = body.toString('utf8')
  const [method, target, version] = requestLine.split(' ')
  return { size, request: { method, target, version, headers, header, head, body, text, json: parsed(text) } }
}

/** Returns the bytes of a response, with a `Content-Length` unless the headers say otherwise. */
function bytes({ status = 200, headers = {}, body = '' } = {}) {
  const isRaw = typeof body === 'string' || Buffer.isBuffer(body)
  const content = Buffer.from(isRaw ? body : JSON.stringify(body))
  const all = { 'Content-Length': content.length, ...headers }
  const lines = Object.entries(all)
    .filter(([, value]) => value !== undefined)
    .map(([name, value]) => `${name}: ${value}\r\n`)
  return Buffer.concat([Buffer.from(`HTTP/1.1 ${status} Status\r\n${lines.join('')}\r\n`, 'latin1'), content])
}

/** Returns the response of a healthy peer at `baseUrl` to both of its routes. */
function healthy(baseUrl) {
  return bytes({
    headers: { 'Content-Type': 'application/json' },
    body: { message: 'gossip', online: [{ baseUrl, monitor: false, lastUpdate: Date.now() }], offline: [] },
  })
}

module.exports = { createRawServer, bytes, healthy }
