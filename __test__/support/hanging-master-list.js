'use strict'

const { once } = require('node:events')
const net = require('node:net')

/**
 * A master list that never arrives. Until then, an engine sends nothing, and only messages change
 * it.
 */
async function hangingMasterList(t) {
  const sockets = new Set()
  const server = net.createServer((socket) => sockets.add(socket.on('error', () => {})))
  await once(server.listen(0, '127.0.0.1'), 'listening')
  t.after(() => {
    for (const socket of sockets) socket.destroy()
    server.close()
  })
  return { url: `http://127.0.0.1:${server.address().port}/` }
}

module.exports = { hangingMasterList }
