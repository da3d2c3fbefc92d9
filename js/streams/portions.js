'use strict'

const { KEPT_NEWS } = require('../events/mirror.js')
const { createNews } = require('../events/report.js')
const { NOTHING } = require('../events/told.js')

/** The texts of chunks of servers, which snapshots share: a chunk never changes. */
const chunkTexts = new WeakMap()

const COMMA = Buffer.from(',')

/** Returns an event as text. */
const eventText = (id, event, data) => `id: ${id}\nevent: ${event}\ndata: ${data}\n\n`

/**
 * Returns the event with the news that a reader lacks, or undefined if it needs a snapshot: it
 * knows nothing, or too much has changed.
 *
 * @param {import('../events/mirror.js').Mirror} mirror
 * @param {{ view: number, told: import('../events/told.js').Told }} reader
 * @param {string} id
 */
function changePortion(mirror, reader, id) {
  if (reader.view < 0) return undefined
  const missed = mirror.missedBy(reader)
  const isTooMuch = missed.snapshot && (reader.told === NOTHING || missed.news.length > KEPT_NEWS)
  if (isTooMuch) return undefined
  const change = missed === mirror.change ? missed : mirror.changeOf(missed)
  return Buffer.from(eventText(id, 'change', JSON.stringify(change)))
}

/**
 * Yields the parts of an event with all servers. A reader that takes long for it holds up nobody,
 * and keeps what it was to be told at the beginning.
 *
 * @param {import('../events/mirror.js').Mirror} mirror
 * @param {string} id
 */
function* snapshotPortion(mirror, id) {
  const { told } = mirror
  const { news: _, ...change } = mirror.changeOf({ news: [], snapshot: true })
  yield Buffer.from(`id: ${id}\nevent: snapshot\ndata: ${JSON.stringify(change).slice(0, -1)},"news":[`)
  let isFirst = true
  for (const chunk of told) {
    const text = textOf(chunk)
    if (text.length === 0) continue
    yield isFirst ? text : Buffer.concat([COMMA, text])
    isFirst = false
  }
  yield Buffer.from(']}\n\n')
}

/** Returns a chunk's servers as JSON, as a reader is told them that knows nothing. */
function textOf(chunk) {
  let text = chunkTexts.get(chunk)
  if (!text) {
    const pieces = chunk.filter(Boolean).map((piece) => createNews({ ...piece, previous: 'unknown' }))
    text = Buffer.from(pieces.map((piece) => JSON.stringify(piece)).join())
    chunkTexts.set(chunk, text)
  }
  return text
}

module.exports = { changePortion, eventText, snapshotPortion }
