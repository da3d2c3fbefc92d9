'use strict'

const { once } = require('node:events')
const http = require('node:http')
const { eventually } = require('./eventually')

/**
 * Reads a stream of server-sent events until the test ends.
 *
 * @param {import('node:test').TestContext} t
 * @param {string} url
 * @param {Record<string, string>} headers
 */
async function openStream(t, url, headers) {
  const outgoing = http.request(url, { headers, agent: false })
  t.after(() => outgoing.destroy())
  outgoing.end()
  const [response] = await once(outgoing, 'response')
  const stream = {
    status: response.statusCode,
    headers: response.headers,
    response,
    text: '',
    /** The complete events, oldest first. */
    get events() {
      return readEvents(stream.text)
    },
    named: (name) => stream.events.filter(({ event }) => event === name),
    /** The states of all servers, as the stream has told them. */
    get states() {
      return statesOf(stream.events)
    },
    hasEnded: false,
    /** Resolves once the events fulfil a condition. */
    until: (isTrue, what) => eventually(() => isTrue(stream.events), { what }),
    destroy: () => outgoing.destroy(),
  }
  response.setEncoding('utf8')
  response.on('data', (text) => {
    stream.text += text
  })
  response.once('close', () => {
    stream.hasEnded = true
  })
  response.on('error', () => {})
  return stream
}

/** Parses the complete events of a stream: `{ id, event, data }`. Comments have none of them. */
function readEvents(text) {
  const blocks = text.split('\n\n').slice(0, -1)
  return blocks
    .map((block) => {
      const fields = {}
      for (const line of block.split('\n')) {
        const [, name, value] = /^(\w+): (.*)$/.exec(line) ?? []
        if (name) fields[name] = value
      }
      return fields
    })
    .filter(({ event }) => event !== undefined)
    .map(({ data, ...fields }) => ({ ...fields, data: JSON.parse(data) }))
}

/** Replays events; returns the states by base URL. */
function statesOf(events) {
  const states = new Map()
  for (const { event, data } of events) {
    if (event === 'snapshot') states.clear()
    for (const { server, state } of data.news ?? []) {
      if (state === 'forgotten') states.delete(server.baseUrl)
      else states.set(server.baseUrl, state)
    }
  }
  return states
}

module.exports = { openStream, readEvents, statesOf }
