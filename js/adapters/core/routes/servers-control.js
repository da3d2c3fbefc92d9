'use strict'

const addon = require('../../../engine/addon.js')
const { badMessage, withPublicErrors } = require('../../../engine/errors.js')
const { requireRunning } = require('../../../engine/lifecycle.js')
const { readControl, readExtension, readPayload } = require('../../../requests/messages.js')
const { HttpError, jsonResponse } = require('../http/http-error.js')
const { parseJson } = require('../bodies/parse-json.js')

const authorize = withPublicErrors(addon.authorizeBearerControl)
const acceptControl = withPublicErrors(addon.acceptControl)
const controlServer = withPublicErrors(addon.controlServer)

/**
 * Drains any server of the list or brings it back. Another server is sent the request.
 *
 * @param {string} authorization
 * @param {{ parts?: Uint8Array[], value?: unknown }} body
 */
async function answerServersControl(authorization, { parts, value }) {
  if (!parts && value === undefined) throw new HttpError(408, 'Timed out waiting for memory for the body')
  requireRunning()
  const message = parts ? parseJson('control', parts) : value
  const { server, online } = readTarget(
    authorize(authorization) ? openSigned(authorization, message) : message,
  )
  const failure = await controlServer(server, online)
  return failure === null ? jsonResponse({ success: true }) : failed(failure)
}

/** Returns the server that a message is about, and the state that it requests. */
function readTarget(message) {
  const online = readControl(message)
  const { server } = message
  if (typeof server !== 'string') throw badMessage('control', '"server" must be a base URL')
  return { server, online }
}

/**
 * Returns the message in the payload of a signed request. It is an object in the payload's
 * `control`, so that the same payload is no message to this server alone.
 */
function openSigned(authorization, message) {
  const v2 = readExtension(message)
  const payload = typeof v2 === 'string' ? v2 : ''
  acceptControl(authorization, payload)
  return readPayload('control', payload)?.control
}

/** Makes a response of the addon's text. */
function failed(failure) {
  const [, status, answered, error] = /^(\d+) (\d+) (.*)$/s.exec(failure)
  const body = answered === '0' ? { error } : { error, status: Number(answered) }
  return jsonResponse(body, Number(status))
}

module.exports = { answerServersControl }
