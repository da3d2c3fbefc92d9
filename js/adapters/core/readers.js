'use strict'

const addon = require('../../engine/addon.js')
const { publicError } = require('../../engine/errors.js')
const { createLog } = require('../../engine/logging.js')
const { HttpError } = require('./http/http-error.js')

/** The functions `authorize` whose failure has been logged. */
const failed = new WeakSet()

/**
 * Throws unless a request may be shown the cluster: its header contains the read secret or the
 * control secret, or the option `authorize` returns true.
 *
 * @param {{ request: import('node:http').IncomingMessage, known: object, options: object }} call
 */
async function requireReader({ request, known, options: { authorize } }) {
  if (!authorize) return addon.authorizeRead(request.headers.authorization ?? '')
  if ((await ask(authorize, known)) !== true) throw publicError('SHAZBOT_UNAUTHORIZED', 'Unauthorized')
}

/** Calls the program's function. What it throws is for its programmer, not for the caller. */
async function ask(authorize, request) {
  try {
    return await authorize(request)
  } catch (error) {
    if (!failed.has(authorize)) {
      failed.add(authorize)
      createLog(process.env.SHAZBOT_LOG)('error', 'Clustershazbot: the option authorize failed:', error)
    }
    throw new HttpError(500, 'Internal error')
  }
}

module.exports = { requireReader }
