'use strict'

const { UNREACHED } = require('../output/exit-codes.js')
const { Failure } = require('../output/failure.js')

/**
 * @typedef {object} StreamEvent
 * @property {string} event its name
 * @property {string} data
 * @property {string | undefined} id that of the latest event with one
 */

/**
 * Yields the server-sent events of a response. Throws if nothing comes for a while, or if an event
 * is too long.
 *
 * @param {import('node:http').IncomingMessage} response
 * @param {{ silence: number, limit: number }} limits in ms and in characters
 * @returns {AsyncGenerator<StreamEvent, void>}
 */
async function* readEvents(response, { silence, limit }) {
  response.setTimeout(silence, () => {
    response.destroy(broken(`The stream is silent for ${silence / 1_000} s.`))
  })
  const decoder = new TextDecoder()
  const parser = new Parser()
  let unfinished = []
  let size = 0
  for await (const chunk of response) {
    const text = decoder.decode(chunk, { stream: true })
    unfinished.push(text)
    size += text.length
    // A line with many servers comes in many chunks, which are joined once.
    if (text.includes('\n')) {
      const lines = unfinished.join('').split(/\r?\n/)
      unfinished = [lines.pop()]
      size = unfinished[0].length
      for (const line of lines) {
        const event = parser.take(line)
        if (event) yield event
      }
    }
    if (parser.size + size > limit) throw broken(`An event of the stream has more than ${limit} characters.`)
  }
}

const broken = (what) => new Failure(UNREACHED, what, 'Check the server, and the proxy before it.')

/** Joins lines to events. */
class Parser {
  /** The characters of the unfinished event. */
  size = 0
  #event = ''
  #data = []
  #id

  /** Takes a line; returns the event that it completes. */
  take(line) {
    if (line === '') return this.#finish()
    const [, field, value] = /^([^:]*):? ?(.*)$/s.exec(line)
    if (field === 'event') this.#event = value
    else if (field === 'id') this.#id = value
    else if (field === 'data') {
      this.#data.push(value)
      this.size += value.length
    }
    return undefined
  }

  #finish() {
    const [event, data] = [this.#event || 'message', this.#data]
    this.#event = ''
    this.#data = []
    this.size = 0
    return data.length > 0 ? { event, data: data.join('\n'), id: this.#id } : undefined
  }
}

module.exports = { readEvents }
