'use strict'

const { isIP } = require('node:net')
const { printable } = require('../../../engine/printable.js')
const { HttpError } = require('./http-error.js')
const { isHttp2 } = require('./request.js')

/**
 * @typedef {import('node:crypto').X509Certificate} X509Certificate
 * @typedef {import('node:tls').TLSSocket} TLSSocket
 */

/** Begins the errors about a missing certificate. */
const REQUIRED = 'Unauthorized: A client certificate is required'

/** Names in the subject do not count, nor do wildcards for a part of a label. */
const NAME_CHECK = { subject: 'never', partialWildcards: false }

/** The verified certificates by their sockets or HTTP/2 sessions, because parsing one is slow. */
const certificates = new WeakMap()

/**
 * Returns the client certificate of a request, which the TLS server has verified. Throws a 401 if
 * there is none.
 *
 * @param {import('node:http').IncomingMessage | import('node:http2').Http2ServerRequest} request
 * @returns {X509Certificate}
 */
function requireCertificate(request) {
  const connection = isHttp2(request) ? request.stream.session : request.socket
  const known = certificates.get(connection)
  if (known) return known
  const certificate = verifiedCertificate(isHttp2(request) ? connection.socket : connection)
  certificates.set(connection, certificate)
  return certificate
}

/** @param {TLSSocket} socket */
function verifiedCertificate(socket) {
  const { encrypted, authorized, authorizationError } = socket
  if (!encrypted) throw unauthorized(`${REQUIRED}, but this connection does not use TLS`)
  // A session that a client without a certificate resumes counts as authorized.
  const certificate = socket.getPeerX509Certificate?.()
  if (authorized === true && certificate) return certificate
  if (!certificate && !authorizationError && !authorized)
    throw unauthorized(`${REQUIRED}, but this server requests none: it needs the TLS option requestCert`)
  const reason = certificate ? String(authorizationError) : 'none was sent'
  throw unauthorized(`${REQUIRED} that this server trusts: ${reason}`)
}

/**
 * Throws a 401 unless the certificate is valid for the host of the sender's URL.
 *
 * @param {X509Certificate} certificate
 * @param {string | null} sender its URL; null if the message names no sender
 */
function requireHostOf(certificate, sender) {
  if (sender === null)
    throw unauthorized('Unauthorized: The message names no sender, whose host the certificate must match')
  const host = new URL(sender).hostname.replace(/^\[|\]$|\.$/g, '')
  const matches = isIP(host) ? certificate.checkIP(host) : certificate.checkHost(host, NAME_CHECK)
  if (!matches)
    throw unauthorized(
      `Unauthorized: The client certificate is not valid for the sender's host ${printable(host)}`,
    )
}

const unauthorized = (message) => new HttpError(401, message, undefined, 'certificate')

module.exports = { requireCertificate, requireHostOf }
