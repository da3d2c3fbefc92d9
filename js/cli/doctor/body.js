'use strict'

const { Failure } = require('../output/failure.js')
const { LARGE, sendGossip, wrongSecret } = require('./routes.js')

const SIZE = `${LARGE / 1_000} kB`

/**
 * Checks that a large body passes all proxies and parsers. With the right secret, the adapters read
 * it too; they reject a wrong one before.
 *
 * @param {import('./finding.js').Findings} findings
 * @param {import('../client/list.js').Access} access
 * @param {import('../client/view.js').View} view
 */
async function checkBody(findings, access, { asked, servers }) {
  const isOnline = servers.some(({ self, state }) => self && state === 'online')
  // Like the engine, which sends the secret itself only under this policy.
  const maySend = isOnline && (process.env.SHAZBOT_LEGACY || 'allow') === 'allow'
  const authorization = (maySend ? access.secrets.forGossip : undefined) ?? wrongSecret()
  const { status } = await sendGossip(asked, access, { authorization, isLarge: true }).catch(explain)
  if (status === 413)
    findings.wrong(
      `A body of ${SIZE} is rejected with 413, so longer lists of version 1 do not arrive.`,
      'Mount an adapter before body parsers, or raise the limit of the parser, of the adapter and of the proxy.',
    )
  else if (status === 401 || (status >= 200 && status < 300)) findings.ok(`A body of ${SIZE} passes.`)
  else
    findings.wrong(
      `A body of ${SIZE} is answered with ${status}.`,
      'Look into the log of the server, and of the proxy before it.',
    )
}

function explain(error) {
  if (!(error instanceof Failure)) throw error
  throw new Failure(error.exitCode, `A body of ${SIZE} is not answered: ${error.message}`, error.remedy)
}

module.exports = { checkBody }
