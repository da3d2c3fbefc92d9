'use strict'

const { escaped } = require('../../engine/printable.js')
const { askForView } = require('../client/view.js')
const { formatDuration } = require('../output/durations.js')
const { FINE, WRONG } = require('../output/exit-codes.js')
const { formatCounts } = require('../output/server-table.js')
const { formatTable } = require('../output/table.js')

/** Tells how a server is. */
async function status({ baseUrl, access, output }) {
  const view = await askForView(baseUrl, access)
  const { phase, isolated, ...rest } = view.status ?? { phase: phaseIn(view), isolated: null }
  if (output.isJson) output.json({ asked: baseUrl, source: view.source, phase, isolated, ...rest })
  else {
    output.lines(...formatTable([{ title: 'asked' }, { title: baseUrl }], rowsOf(view, phase)))
    if (view.isPrivate) output.notice('The status needs a valid secret, so this is what the list tells.')
  }
  return (phase === 'running' || phase === 'unknown') && !isolated ? FINE : WRONG
}

/** What a list tells of the phase: a server that is online lists itself as such. */
function phaseIn({ servers }) {
  const own = servers.find(({ self }) => self)
  if (!own) return 'unknown'
  return own.state === 'offline' ? 'drained' : 'running'
}

function rowsOf(view, phase) {
  const rows = [
    ['phase', escaped(phase)],
    ['servers', formatCounts(view)],
  ]
  const { status } = view
  if (!status) return rows
  const word = (value) => (value ? 'yes' : 'no')
  return [
    ['version', escaped(String(status.version))],
    ['up for', formatDuration(status.uptime)],
    ...rows,
    ['isolated', word(status.isolated)],
    ['siblings', word(status.siblings)],
    ...disagreement(status),
    ['view', `${escaped(String(status.view))}, without news for ${formatDuration(status.quietFor)}`],
    ['lag', `${Math.round(status.lag)} ms`],
  ]
}

/** How many of the latest native servers that answered saw other servers than this one. */
function disagreement({ disagreeing }) {
  return Number.isFinite(disagreeing)
    ? [['differ', `${Math.round(100 * disagreeing)} % of the latest answers`]]
    : []
}

module.exports = { status }
