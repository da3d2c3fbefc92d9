'use strict'

const { constants } = require('node:http2')
const { finished } = require('node:stream')
// The timers of Node.js itself: those of a test environment may stand still, or be numbers.
const { clearInterval, setInterval } = require('node:timers')
const { LARGEST_BODY } = require('./body-reader.js')
const { isHttp2 } = require('../http/request.js')

/** How many bytes of a body are read after its answer, and for how long in ms. */
const STRICT = { bytes: 1024 * 1024, time: 1_000 }

/** The same for a peer: its body is as long as it may be, and it gives up after 5 s. */
const PATIENT = { bytes: LARGEST_BODY, time: 5_000 }

/**
 * Ends an answer whose request has a body that nobody reads. Over HTTP/1, that ends the connection, and a client that is
 * still sending would miss the answer: the rest of the body is read first. If that is too much, the connection is cut.
 */
function endAfterBody(request, response, last, drains) {
  if (isHttp2(request)) {
    response.end(last)
    response.stream.close(constants.NGHTTP2_NO_ERROR)
    return
  }
  // Without bytes, as for HEAD, nothing else would send the headers before the end.
  if (last) response.write(last)
  else response.flushHeaders()
  const { bytes, time } = drains ? PATIENT : STRICT
  const { socket } = request
  let size = 0
  // A long answer may still be on its way.
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
