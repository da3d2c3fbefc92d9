'use strict'

const { parsed } = require('../client/list.js')
const { challenge, isProvedBy } = require('../http/signing.js')
const { request } = require('../http/request.js')
const { sendGossip, sendResume, wrongSecret } = require('./routes.js')

const OWN_SECRET = 'Set it to that of the servers, or correct it on this server.'

/**
 * Checks that wrong secrets are rejected, and that those of the variables are right.
 *
 * @param {import('./finding.js').Findings} findings
 * @param {import('../client/list.js').Access} access
 * @param {import('../client/view.js').View} view what the server lists
 */
async function checkSecrets(findings, access, view) {
  const { asked, servers, hasOffline } = view
  const isOnline = servers.some(({ self, state }) => self && state === 'online')
  reportWrong(findings, 'gossip', await sendGossip(asked, access, { authorization: wrongSecret() }))
  // If the server accepted it, this message would bring a drained server back.
  if (isOnline) reportWrong(findings, 'control', await sendResume(asked, access, wrongSecret()))
  else findings.skip('The control route was not tried with a wrong secret, as the server is not online.')
  if (access.secrets.forList === undefined) findings.skip('SHAZBOT_CONTROL_SECRET is not set here.')
  else if (hasOffline) findings.ok('The control secret is right.')
  else findings.wrong('The server does not accept the control secret.', OWN_SECRET)
  await checkGossipSecret(findings, access, { asked, isOnline })
  await checkStatus(findings, access, asked)
}

function reportWrong(findings, route, { status }) {
  if (status === 401 || status === 429) {
    findings.ok(`The ${route} route rejects a wrong secret with ${status}.`)
    return
  }
  if (status >= 200 && status < 300) {
    findings.wrong(
      `The ${route} route accepts a wrong secret with ${status}.`,
      'Anyone who reaches the port can change the cluster. Mount an adapter, or pass the Authorization header on.',
    )
    return
  }
  findings.wrong(
    `The ${route} route answers ${status} to a wrong secret; it must answer 401.`,
    status === 404 || status === 405
      ? 'Mount the route for POST, and exclude it from other handlers.'
      : 'Let the route answer with error.status, and mount it before log-ins and body parsers.',
  )
}

/** A server of version 2 proves its secret. One of version 1 is sent the secret, as by others. */
async function checkGossipSecret(findings, access, { asked, isOnline }) {
  const { secrets, ...options } = access
  const secret = secrets.forGossip
  if (secret === undefined) return findings.skip('SHAZBOT_SECRET is not set here.')
  const ask = (authorization) => request(`${asked}clustershazbot/list`, { authorization, ...options })
  const challenged = await challenge(ask)
  if (challenged.proof) {
    if (isProvedBy(challenged, secret))
      return findings.ok('The server proves that it has the same SHAZBOT_SECRET.')
    return findings.wrong('The server proves another secret than SHAZBOT_SECRET.', OWN_SECRET)
  }
  if (process.env.SHAZBOT_LEGACY === 'off' || !isOnline)
    return findings.skip('The server proves no secret, and SHAZBOT_SECRET was not sent to it.')
  const { status } = await sendGossip(asked, access, { authorization: secret })
  if (status >= 200 && status < 300) findings.ok('The server accepts SHAZBOT_SECRET.')
  else findings.wrong(`The server answers ${status} to SHAZBOT_SECRET.`, OWN_SECRET)
}

/** The route for the status shows all servers, so it needs a secret too. */
async function checkStatus(findings, { secrets, ...options }, asked) {
  const ask = (authorization) => request(`${asked}clustershazbot/status`, { authorization, ...options })
  const { status, text } = await ask(wrongSecret())
  const isShown = status === 200 && typeof parsed(text)?.phase === 'string'
  if (isShown)
    findings.wrong(
      'The status is shown with a wrong secret.',
      'Anyone who reaches the port sees all servers. Correct the option authorize of the adapter.',
    )
  if (status === 401) findings.ok('The status route rejects a wrong secret with 401.')
  const secret = secrets.named('SHAZBOT_READ_SECRET')
  if (secret === undefined || status !== 401) return
  if ((await ask(secret)).status === 200) findings.ok('The read secret is right.')
  else
    findings.wrong(
      'The status route does not accept the read secret.',
      `${OWN_SECRET} The option authorize of the adapter replaces it.`,
    )
}

module.exports = { checkSecrets }
