'use strict'

const { escaped } = require('../../engine/printable.js')

/** Servers that a finding names. */
const MAX_NAMED = 3

/**
 * Checks that a server lists itself.
 *
 * @param {import('./finding.js').Findings} findings
 * @param {import('../client/view.js').View} view what it lists
 */
function checkListing(findings, { asked, servers }) {
  const own = servers.find(({ self }) => self)
  if (own?.state === 'online') findings.ok(`${asked} answers, and lists itself as online.`)
  else if (own)
    findings.wrong(
      `${asked} answers, but lists itself as offline.`,
      'It is drained: bring it back with clustershazbot resume. If it shuts down, start it again.',
    )
  else {
    const others = servers.slice(0, MAX_NAMED).map(({ baseUrl }) => escaped(baseUrl))
    findings.wrong(
      `${asked} answers, but is not in its own list${others.length > 0 ? `, which has ${others.join(', ')}` : ''}.`,
      'Use the SHAZBOT_BASE_URL of the server here, or set that variable to this URL. A drained server that is ' +
        'asked without the control secret is missing too.',
    )
  }
}

module.exports = { checkListing }
