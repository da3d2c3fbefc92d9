'use strict'

const { constants } = require('node:http2')
const { finished } = require('node:stream')
// Node's own timers: those of a test environment may stand still, or be numbers.
const { clearInterval, setInterval } = require('node:timers')
const { MAX_BODY } = require('./body-reader.js')
const { isHttp2 } = require('../http/request.js')

/** The bytes of a body that are read after the response, and the time for it in ms. */
const CALLER_LIMITS = { bytes: 1024 * 1024, time: 1_000 }

/** The same for a peer, whose body may have any size and which times out after 5 s. */
const PEER_LIMITS = { bytes: MAX_BODY, time: 5_000 }

/**
 * Ends the response to a request whose body nobody reads. Over HTTP/1, that closes the connection,
 * and a client that is still sending would miss the response. So the rest of the body is read
 * first, within limits.
 */
function endAfterBody(request, response, last, drains) {
  if (isHttp2(request)) {
    response.end(last)
    response.stream.close(constants.NGHTTP2_NO_ERROR)
    return
  }
  // A response without bytes, as for HEAD, would otherwise send its headers only at the end.
  if (last) response.write(last)
  else response.flushHeaders()
  const { bytes, time } = drains ? PEER_LIMITS : CALLER_LIMITS
  const { socket } = request
  let size = 0
  // A long response may still be in progress.
  const stop = () => (socket.writableLength > 0 ? request.pause() : socket.destroy())
  const timer = setInterval(stop, time)
  request.on('data', (chunk) => {
    size += chunk.length
    if (size > bytes) stop()
  })
  finished(request.resume(), () => {
    clearInterval(timer)
    response.end()
  })
}

module.exports = { endAfterBody }
