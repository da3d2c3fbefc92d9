'use strict'

const { escaped } = require('../../engine/printable.js')
const { formatDuration } = require('./durations.js')
const { formatTable } = require('./table.js')

/** The widths fit all states and causes, so that the columns stay where they are. */
const COLUMNS = [
  { title: 'SERVER', gap: 1 },
  { title: 'STATE', width: 7 },
  { title: 'SINCE' },
  { title: 'HOW', width: 8 },
  { title: 'SPEAKS' },
  { title: 'NEWS' },
]

/**
 * Formats servers as a table; a monitor has an M behind its URL.
 *
 * @param {import('../client/view.js').Server[]} servers
 * @param {number} now the time on the clock of the server that lists them
 * @param {(word: string, text: string) => string} paint
 * @returns {string[]} the lines
 */
function formatServers(servers, now, paint) {
  const urls = servers.map(({ baseUrl }) => escaped(baseUrl))
  const width = urls.reduce((widest, url) => Math.max(widest, url.length), 'SERVER'.length - 2)
  const rows = servers.map((server, index) => [
    `${urls[index].padEnd(width)} ${server.monitor ? 'M' : ' '}`,
    escaped(String(server.state)),
    server.since === null ? '-' : formatDuration(now - server.since),
    server.self || server.cause === null ? '-' : escaped(String(server.cause)),
    escaped(String(server.language)),
    server.lastUpdate > 0 ? formatDuration(now - server.lastUpdate) : '-',
  ])
  const [head, ...lines] = formatTable(COLUMNS, rows)
  return [head, ...lines.map((line, index) => paint(servers[index].state, line))]
}

/**
 * Formats how many servers have which state.
 *
 * @param {import('../client/view.js').View} view
 */
function formatCounts({ servers, hasOffline, source }) {
  const count = (state) => servers.filter((server) => server.state === state).length
  const suspects = count('suspect')
  const online = `${count('online') + suspects} online`
  if (source === 'list') return hasOffline ? `${online}, ${count('offline')} offline` : online
  return `${online}${suspects > 0 ? ` (${suspects} suspect)` : ''}, ${count('dead')} dead, ${count('left')} left`
}

module.exports = { formatCounts, formatServers }
