'use strict'

const { UNREACHED } = require('../output/exit-codes.js')
const { Failure } = require('../output/failure.js')

const CERTIFICATE_REMEDY =
  'Set SHAZBOT_TLS_CA or NODE_EXTRA_CA_CERTS to the PEM file of the authority that issued it.'

/** What happened and what to do, by the code of the error. */
const KNOWN = {
  ECONNREFUSED: ['refused the connection', 'Check that the server runs and listens on this port.'],
  ECONNRESET: [
    'closed the connection without an answer',
    'Check that the scheme of the URL (http or https) and its port are those of the server.',
  ],
  ENOTFOUND: ['has an unknown host name', 'Check the spelling of the name, and the DNS of this machine.'],
  EAI_AGAIN: ['has a host name that cannot be resolved now', 'Check the DNS of this machine.'],
  EHOSTUNREACH: ['is at an address without a route', 'Check the address, the network and the firewall.'],
  ENETUNREACH: ['is at an address without a route', 'Check the address, the network and the firewall.'],
  ETIMEDOUT: ['did not answer', 'Check the address, the network and the firewall.'],
  EPROTO: ['does not speak TLS', 'Use http:// in the URL, or the port on which the server speaks TLS.'],
  CERT_HAS_EXPIRED: ['has a certificate that has expired', 'Renew the certificate of the server.'],
  CERT_NOT_YET_VALID: [
    'has a certificate that is not valid yet',
    'Check the clocks of the server and of this machine.',
  ],
  ERR_TLS_CERT_ALTNAME_INVALID: [
    'has a certificate for other names',
    'Use a name of the certificate in the URL, or issue a certificate with the name of the URL.',
  ],
  DEPTH_ZERO_SELF_SIGNED_CERT: ['has a self-signed certificate that is not trusted', CERTIFICATE_REMEDY],
  SELF_SIGNED_CERT_IN_CHAIN: ['has a certificate of an unknown authority', CERTIFICATE_REMEDY],
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: ['has a certificate of an unknown authority', CERTIFICATE_REMEDY],
  UNABLE_TO_GET_ISSUER_CERT: ['has a certificate of an unknown authority', CERTIFICATE_REMEDY],
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: ['has a certificate of an unknown authority', CERTIFICATE_REMEDY],
}

/** Node has several codes for a peer that answers TLS with something else. */
const ALIASES = { ERR_SSL_WRONG_VERSION_NUMBER: 'EPROTO', ERR_SSL_PACKET_LENGTH_TOO_LONG: 'EPROTO' }

/**
 * Returns the failure of a connection.
 *
 * @param {Error & { code?: string }} error
 * @param {{ shown: string, timeout: number }} request the URL, and the timeout in ms
 */
function connectionFailure(error, { shown, timeout }) {
  if (error instanceof Failure) return error
  if (error.name === 'AbortError' || error.name === 'TimeoutError') {
    const seconds = timeout / 1_000
    const remedy = 'Check the server, the network and the firewall, or wait longer with --timeout.'
    return new Failure(UNREACHED, `${shown} did not answer within ${seconds} s.`, remedy)
  }
  const [what, remedy] = KNOWN[ALIASES[error.code] ?? error.code] ?? [
    `could not be reached (${error.code ?? error.message})`,
    'Check that the URL is that of the server, and that this machine may connect to it.',
  ]
  return new Failure(UNREACHED, `${shown} ${what}.`, remedy)
}

module.exports = { connectionFailure }
