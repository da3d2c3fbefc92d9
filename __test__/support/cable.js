'use strict'

const http = require('node:http')
const net = require('node:net')

/**
 * The connection of one server to all others, which can be cut: a port that forwards to the server,
 * and a proxy for its requests.
 *
 * @param {import('node:test').TestContext} t
 * @param {number} port of the server
 * @returns {Promise<{ baseUrl: string, proxy: string, cut(): void, heal(): void }>}
 */
async function createCable(t, port) {
  const sockets = new Set()
  let isCut = false

  /** Closes a connection while the cable is cut, and once it is. */
  function hold(socket) {
    socket.on('error', () => {})
    if (isCut) return socket.destroy()
    sockets.add(socket)
    socket.once('close', () => sockets.delete(socket))
    return socket
  }

  const forwarder = net.createServer((incoming) => {
    if (hold(incoming).destroyed) return
    const outgoing = hold(net.connect(port, '127.0.0.1'))
    incoming.pipe(outgoing).pipe(incoming)
    incoming.once('close', () => outgoing.destroy())
    outgoing.once('close', () => incoming.destroy())
  })
  const proxy = http.createServer((request, response) => {
    const { method, headers, url } = request
    const onward = http.request(url, { method, headers, agent: false }, (answer) => {
      response.writeHead(answer.statusCode, answer.headers)
      answer.pipe(response)
    })
    onward.on('socket', hold)
    onward.on('error', () => response.destroy())
    request.pipe(onward)
  })
  proxy.on('connection', hold)

  const urlOf = async (server) => {
    await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve))
    t.after(() => server.close())
    return `http://127.0.0.1:${server.address().port}/`
  }
  const urls = { baseUrl: await urlOf(forwarder), proxy: await urlOf(proxy) }
  t.after(() => {
    for (const socket of sockets) socket.destroy()
  })
  return {
    ...urls,
    cut() {
      isCut = true
      for (const socket of sockets) socket.destroy()
    },
    heal() {
      isCut = false
    },
  }
}

module.exports = { createCable }
