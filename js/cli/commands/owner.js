'use strict'

const { escaped } = require('../../engine/printable.js')
const { loadAddon } = require('../client/addon.js')
const { askForList } = require('../client/list.js')
const { FINE, WRONG } = require('../output/exit-codes.js')
const { Failure } = require('../output/failure.js')

/** Servers that the text names after the owner. */
const MAX_NEXT = 3

/** Names the server that owns a key, and those that would be next. */
async function owner({ baseUrl, access, key, output }) {
  const { list } = await askForList(baseUrl, access, { isNamed: true })
  const ranked = rank(key, list.online)
  if (ranked.length === 0)
    throw new Failure(
      WRONG,
      `${baseUrl} sees no server online, so nobody owns the key.`,
      'Bring a server back with clustershazbot resume, or ask another one.',
    )
  if (output.isJson) {
    output.json({
      asked: baseUrl,
      key,
      owner: ranked[0],
      next: ranked.slice(1).map(({ baseUrl }) => baseUrl),
    })
    return FINE
  }
  const next = ranked.slice(1, 1 + MAX_NEXT).map(({ baseUrl }) => escaped(baseUrl))
  output.lines(
    escaped(ranked[0].baseUrl),
    ...(next.length > 0 ? [`next: ${next.join(', ')}`] : []),
    `${list.online.length} online; asked ${baseUrl}`,
  )
  return FINE
}

/** Ranks servers as `clustershazbot/owners` does: by the same code of the addon. */
function rank(key, servers) {
  const addon = loadAddon()
  const urls = servers.map(({ baseUrl }) => baseUrl.replaceAll(addon.URL_SEPARATOR, ''))
  return addon.rank(key, urls.join(addon.URL_SEPARATOR)).map((place) => servers[place])
}

module.exports = { owner }
