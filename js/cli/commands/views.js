'use strict'

const { escaped } = require('../../engine/printable.js')
const { askForViews } = require('../client/views.js')
const { FINE, WRONG } = require('../output/exit-codes.js')
const { counted } = require('../output/words.js')

/** Servers of a group that the text names. */
const MAX_NAMED = 10

/** Asks all servers for their lists, and groups those that say the same. */
async function views({ baseUrl, access, output }) {
  const { groups, failed, asked, isComplete } = await askForViews(baseUrl, access)
  const isFine = groups.length === 1 && failed.length === 0 && isComplete
  if (output.isJson) {
    const silent = failed.map(({ baseUrl, failure }) => ({ baseUrl, error: failure.message }))
    output.json({ asked: baseUrl, same: isFine, groups, failed: silent, complete: isComplete })
  } else {
    output.lines(
      ...groups.flatMap(describeGroup),
      ...describeFailed(failed),
      `${counted(asked, 'server')} asked, ${counted(groups.length, 'view')}; started at ${baseUrl}`,
    )
    if (!isComplete) output.notice('There are more servers than one command asks.')
  }
  return isFine ? FINE : WRONG
}

function describeGroup({ servers, online, missing }) {
  const without = missing.length > 0 ? `, without ${named(missing).join(', ')}` : ''
  const sees = servers.length === 1 ? 'sees' : 'see the same'
  return [
    `${counted(servers.length, 'server')} ${sees} ${online.length} online${without}:`,
    ...named(servers).map((url) => `  ${url}`),
  ]
}

function describeFailed(failed) {
  if (failed.length === 0) return []
  const reasons = failed.slice(0, MAX_NAMED).map(({ failure }) => `  ${escaped(failure.message)}`)
  const more = failed.length > MAX_NAMED ? [`  and ${failed.length - MAX_NAMED} more`] : []
  return [`${counted(failed.length, 'server')} showed no list:`, ...reasons, ...more]
}

function named(urls) {
  const first = urls.slice(0, MAX_NAMED).map(escaped)
  return urls.length > MAX_NAMED ? [...first, `and ${urls.length - MAX_NAMED} more`] : first
}

module.exports = { views }
