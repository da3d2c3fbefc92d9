'use strict'

const { USAGE } = require('../output/exit-codes.js')
const { Failure } = require('../output/failure.js')

/**
 * Returns the base URL that a command asks, with its final slash. Throws if it is none. The errors
 * do not repeat the text, which may contain a secret.
 *
 * @param {string | undefined} argument
 * @param {Record<string, string | undefined>} [environment]
 */
function readBaseUrl(argument, environment = process.env) {
  const text = argument ?? environment.SHAZBOT_BASE_URL?.trim()
  const where = argument === undefined ? 'SHAZBOT_BASE_URL' : 'The URL'
  if (!text)
    throw new Failure(
      USAGE,
      'No server is named.',
      'Add its base URL, such as http://10.0.0.7:3000/, or set SHAZBOT_BASE_URL.',
    )
  const url = URL.canParse(text) ? new URL(text) : undefined
  if (!url || !/^https?:$/.test(url.protocol))
    throw new Failure(
      USAGE,
      `${where} is no URL with http or https.`,
      'Write the base URL of a server, such as http://10.0.0.7:3000/.',
    )
  if (url.username || url.password)
    throw new Failure(
      USAGE,
      `${where} contains credentials, which other users of this machine can see.`,
      'Remove them. Secrets come from variables or from --secret-file.',
    )
  if (url.search || url.hash)
    throw new Failure(USAGE, `${where} has a query or a fragment.`, 'Remove it: a base URL has neither.')
  if (/\/clustershazbot(\/|$)/.test(url.pathname))
    throw new Failure(
      USAGE,
      `${where} contains the path of the routes.`,
      'Write the base URL, which ends before clustershazbot/.',
    )
  return normalised(url.href)
}

/** Returns the form in which base URLs are compared; undefined for a text that is no URL. */
function normalised(baseUrl) {
  if (!URL.canParse(baseUrl)) return undefined
  const { href } = new URL(baseUrl)
  return href.endsWith('/') ? href : `${href}/`
}

module.exports = { normalised, readBaseUrl }
