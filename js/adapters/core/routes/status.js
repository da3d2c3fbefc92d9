'use strict'

const addon = require('../../../engine/addon.js')
const { withPublicErrors } = require('../../../engine/errors.js')
const { readStatus } = require('../../../events/report.js')
const { coalesced } = require('../raw/coalesced.js')

const readPortraits = withPublicErrors(addon.portraits)

/** The text of the status, which simultaneous requests share. */
const readText = coalesced(async () => {
  const portraits = await readPortraits()
  const status = JSON.stringify(readStatus())
  return Buffer.from(`${status.slice(0, -1)},${portraits}}`)
})

/**
 * Shows the state of this server and of all others. A connection is sent one status at a time, as
 * it is long in a large cluster.
 *
 * @param {import('./index.js').Call} call
 */
async function answerStatus({ connection, request, response }) {
  await connection.takeTurn(request, response)
  return { status: 200, parts: [await readText()] }
}

module.exports = { answerStatus }
