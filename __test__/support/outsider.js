'use strict'

/**
 * A caller without the secret that tries to harm the server at the given port: endless bodies, long
 * lists, and list requests whose responses it never reads. It reopens closed connections.
 */

const net = require('node:net')

const port = Number(process.argv[2])

const head = (method, route, ...headers) =>
  `${[`${method} /clustershazbot/${route} HTTP/1.1`, 'Host: a', 'Authorization: wrong', ...headers].join('\r\n')}\r\n\r\n`

/** Keeps `count` connections open; calls `use` with each new one. */
function keepOpen(count, use) {
  const open = () => {
    const socket = net.connect(port, '127.0.0.1')
    socket.on('error', () => {}).once('close', () => setTimeout(open, 10))
    use(socket)
  }
  for (let number = 0; number < count; number++) open()
}

const spaces = Buffer.alloc(64 * 1024, ' ')
const chunk = Buffer.concat([Buffer.from('10000\r\n'), spaces, Buffer.from('\r\n')])

keepOpen(10, (socket) => {
  socket.resume().write(head('POST', 'gossip', 'Transfer-Encoding: chunked'))
  const writeOn = () => {
    while (!socket.destroyed && socket.write(chunk));
  }
  socket.on('drain', writeOn)
  writeOn()
})

const nulls = JSON.stringify({ online: Array(20_000).fill(null) })

keepOpen(10, (socket) => {
  socket.resume().write(head('POST', 'gossip', `Content-Length: ${nulls.length}`))
  socket.write(nulls)
})

keepOpen(100, (socket) => {
  socket.pause().write(head('GET', 'list').repeat(20))
})
