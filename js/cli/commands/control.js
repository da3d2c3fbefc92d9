'use strict'

const { isWebPage, requireAnswer } = require('../client/list.js')
const { request, shownUrl } = require('../http/request.js')
const { FINE, UNREACHED } = require('../output/exit-codes.js')
const { Failure } = require('../output/failure.js')

/** Takes a server offline for the others. */
const drain = (command) => control(command, false)

/** Brings a drained server back. */
const resume = (command) => control(command, true)

async function control({ baseUrl, access, output }, online) {
  const { secrets, ...options } = access
  const answer = await request(`${baseUrl}clustershazbot/control`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    authorization: secrets.forControl,
    body: JSON.stringify({ message: 'control', online }),
    ...options,
  })
  requireDone(answer)
  if (output.isJson) output.json({ asked: baseUrl, online })
  else output.lines(`${baseUrl} is ${online ? 'online again' : 'drained'}.`)
  return FINE
}

/** Throws unless the server has done it. The secret follows no redirect. */
function requireDone(answer) {
  const { status, headers, url } = answer
  const shown = shownUrl(url)
  if (status >= 300 && status < 400 && URL.canParse(headers.location ?? '', url))
    throw new Failure(
      UNREACHED,
      `${shown} redirects to ${shownUrl(new URL(headers.location, url))}, and a secret follows no redirect.`,
      'Use the base URL to which it redirects, if that is the server.',
    )
  requireAnswer(answer)
  if (isWebPage(answer))
    throw new Failure(
      UNREACHED,
      `${shown} answers with a web page, so the server has probably done nothing.`,
      'Check that the URL is the base URL of a server, and that no log-in answers in its place.',
    )
}

module.exports = { drain, resume }
