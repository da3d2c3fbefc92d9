'use strict'

const { askForView } = require('../client/view.js')
const { FINE, NOT_ALLOWED } = require('../output/exit-codes.js')
const { Failure } = require('../output/failure.js')
const { formatCounts, formatServers } = require('../output/server-table.js')

const OFFLINE = ['dead', 'left', 'offline']

/** Lists the servers that a server sees. */
async function members({ baseUrl, access, options, output }) {
  const view = await askForView(baseUrl, access)
  if (options.offline && !view.hasOffline) throw offlineUnknown(baseUrl)
  const servers = view.servers.filter(({ state }) => options.offline || !OFFLINE.includes(state))
  if (output.isJson) output.json({ asked: baseUrl, source: view.source, at: view.now, servers })
  else {
    output.lines(...formatServers(servers, view.now, output.paint), `${formatCounts(view)}; asked ${baseUrl}`)
    if (view.isPrivate) output.notice('The status needs a valid secret, so this is what the list tells.')
  }
  return FINE
}

function offlineUnknown(baseUrl) {
  return new Failure(
    NOT_ALLOWED,
    `${baseUrl} shows its offline servers only to holders of the control secret.`,
    'Set SHAZBOT_CONTROL_SECRET to that of the servers, or name its file with --secret-file.',
  )
}

module.exports = { members }
