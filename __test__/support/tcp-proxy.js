'use strict'

const net = require('node:net')

/**
 * A proxy for connections to a local port, which a test can cut.
 *
 * @param {import('node:test').TestContext} t it is closed when this test ends
 * @param {number} target
 */
async function createTcpProxy(t, target) {
  const sockets = new Set()
  const accept = (socket) => {
    if (!proxy.isOpen) return socket.destroy()
    proxy.accepted++
    passOn(socket, target, sockets)
  }
  const server = net.createServer(accept)
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve))
  const proxy = {
    origin: `http://127.0.0.1:${server.address().port}`,
    /** Whether new connections are passed on. Otherwise they are reset. */
    isOpen: true,
    /** Connections that were passed on. */
    accepted: 0,
    /** Resets all connections, and new ones until `isOpen` is set. */
    cut() {
      proxy.isOpen = false
      for (const socket of sockets) socket.destroy()
    },
  }
  t.after(() => {
    proxy.cut()
    server.close()
  })
  return proxy
}

/**
 * Connects a socket to a local port, and adds both ends to the sockets while they are open.
 *
 * @param {import('node:net').Socket} socket
 * @param {number} target
 * @param {Set<import('node:net').Socket>} sockets
 */
function passOn(socket, target, sockets) {
  const onward = net.connect(target, '127.0.0.1')
  for (const [one, other] of [
    [socket, onward],
    [onward, socket],
  ]) {
    sockets.add(one)
    one.pipe(other)
    one.on('error', () => other.destroy())
    one.on('close', () => sockets.delete(one))
  }
  return onward
}

module.exports = { createTcpProxy, passOn }
