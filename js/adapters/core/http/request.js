'use strict'

/** Whether the request uses HTTP/2, where many share a connection. */
const isHttp2 = ({ stream }) => stream?.session !== undefined

/** Whether the body has been received completely. */
function hasWholeBody(request) {
  // Requests that a framework injects have no such property.
  if (request.complete !== false) return true
  if (isHttp2(request)) return request.stream.endAfterHeaders || request.stream.readableEnded
  const { 'content-length': length = 0, 'transfer-encoding': encoding } = request.headers
  return encoding === undefined && Number(length) === 0
}

/**
 * Whether the caller sends its body only after `100 Continue`; Node.js sends that unless the
 * program has a listener.
 */
function awaitsContinue({ headers, socket }) {
  return headers.expect !== undefined && socket.server?.listenerCount('checkContinue') > 0
}

module.exports = { isHttp2, hasWholeBody, awaitsContinue }
