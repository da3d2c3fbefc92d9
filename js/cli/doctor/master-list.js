'use strict'

const { normalised } = require('../http/base-url.js')
const { request, shownUrl } = require('../http/request.js')
const { listIn } = require('../client/list.js')
const { Secrets } = require('../http/secrets.js')
const { counted } = require('../output/words.js')

/** An ETag that no version of the list has. */
const IMPOSSIBLE = '"clustershazbot-doctor"'

const STORE_REMEDY =
  'Two uploads at once may lose an entry until its next announcement. Use a store with strong ETags and ' +
  'conditional requests.'

/**
 * Checks the master list, if the variables name it. It changes nothing, as far as the store knows
 * conditions.
 *
 * @param {import('./finding.js').Findings} findings
 * @param {import('../client/list.js').Access} access
 * @param {string} baseUrl that of the asked server
 */
async function checkMasterList(findings, { timeout }, baseUrl) {
  const url = process.env.SHAZBOT_MASTER_LIST?.trim()
  if (!url) return findings.skip('SHAZBOT_MASTER_LIST is not set here.')
  if (!URL.canParse(url) || !/^https?:$/.test(new URL(url).protocol))
    return findings.skip('SHAZBOT_MASTER_LIST is no URL with http or https.')
  const answer = await request(url, { timeout })
  const shown = shownUrl(url)
  if (answer.status === 404 || answer.status === 204)
    return findings.warn(
      `${shown} does not exist yet.`,
      'The first upload creates it, 5 to 15 minutes after the start of a server, if the store allows that.',
    )
  if (answer.status !== 200)
    return findings.wrong(
      `${shown} answers ${answer.status}.`,
      'Let servers read it without an Authorization header, or put the access into the query of the URL.',
    )
  const { online } = listIn(answer)
  if (online.some((entry) => normalised(entry.baseUrl) === baseUrl))
    findings.ok(`The master list has ${counted(online.length, 'server')}, and the asked one is among them.`)
  else
    findings.warn(
      `The master list has ${counted(online.length, 'server')}, but not the asked one.`,
      'The server adds itself 5 to 15 minutes after its start. If it does not, look for its failed uploads in its log.',
    )
  await checkUpload(findings, { url, timeout, answer })
}

/**
 * Checks whether the store knows conditions, by which uploads do not overwrite each other, and
 * accepts the authorization. It tries an upload of what the list has, on a condition that is not
 * met.
 */
async function checkUpload(findings, { timeout, answer }) {
  const url = process.env.SHAZBOT_MASTER_LIST_UPDATE?.trim()
  const authorization = new Secrets().named('SHAZBOT_MASTER_LIST_UPDATE_AUTH')
  if (!url || !URL.canParse(url) || authorization === undefined)
    return findings.skip('SHAZBOT_MASTER_LIST_UPDATE and SHAZBOT_MASTER_LIST_UPDATE_AUTH are not set here.')
  const { etag } = answer.headers
  if (!etag || etag.startsWith('W/'))
    return findings.warn(
      'The store of the master list gives no strong ETag, so it knows no conditions.',
      STORE_REMEDY,
    )
  const headers = { 'Content-Type': 'application/json', 'If-Match': IMPOSSIBLE }
  const { status } = await request(url, { method: 'PUT', headers, authorization, body: answer.text, timeout })
  if (status === 412) findings.ok('The store of the master list knows conditions.')
  else if (status >= 200 && status < 300)
    findings.warn('The store of the master list ignores conditions.', STORE_REMEDY)
  else
    findings.wrong(
      `The store of the master list answers ${status} to an upload.`,
      'Check SHAZBOT_MASTER_LIST_UPDATE and SHAZBOT_MASTER_LIST_UPDATE_AUTH, and the log of the store.',
    )
}

module.exports = { checkMasterList }
