'use strict'

const { DAY, formatDuration } = require('../output/durations.js')

/** The time before its end in which a certificate should be renewed, in ms. */
const RENEW_WITHIN = 14 * DAY

const LOOPBACK = /^(?:localhost|127\.\d+\.\d+\.\d+|\[::1\])$/

/**
 * Checks the connection to a server that has answered.
 *
 * @param {import('./finding.js').Findings} findings
 * @param {import('../http/request.js').Answer} answer
 */
function checkTransport(findings, { url, certificate }) {
  if (url.protocol === 'http:') {
    if (LOOPBACK.test(url.hostname)) findings.ok('There is no TLS, but the server is on this machine.')
    else
      findings.warn(
        'There is no TLS, so others on the way can read the lists, and secrets that are sent.',
        'Use https, or a network that you trust.',
      )
    return
  }
  if (process.env.NODE_TLS_REJECT_UNAUTHORIZED === '0')
    findings.wrong('NODE_TLS_REJECT_UNAUTHORIZED=0 turns off the verification of certificates.', 'Unset it.')
  const left = Date.parse(certificate?.valid_to) - Date.now()
  if (left < RENEW_WITHIN)
    findings.warn(`The certificate of the server ends in ${formatDuration(left)}.`, 'Renew it.')
  else findings.ok(`The certificate of the server is trusted, and ends in ${formatDuration(left)}.`)
}

module.exports = { checkTransport }
