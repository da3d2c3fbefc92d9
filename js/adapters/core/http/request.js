'use strict'

/** Whether the request came over HTTP/2, where many share a connection. */
const isHttp2 = ({ stream }) => stream?.session !== undefined

/** Whether nothing of the body is still to come. */
function hasWholeBody(request) {
  // Requests that a framework only injects say nothing about that.
  if (request.complete !== false) return true
  if (isHttp2(request)) return request.stream.endAfterHeaders || request.stream.readableEnded
  const { 'content-length': length = 0, 'transfer-encoding': encoding } = request.headers
  return encoding === undefined && Number(length) === 0
}

/** Whether the other side sends its body only once it is told to continue; unless the program decides that, Node.js does. */
function awaitsContinue({ headers, socket }) {
  return headers.expect !== undefined && socket.server?.listenerCount('checkContinue') > 0
}

module.exports = { isHttp2, hasWholeBody, awaitsContinue }
