'use strict'

const { createScriptedServer } = require('./scripted-server')

/**
 * A server with the stream of news, which a test writes. Other routes are answered by `answer`, or
 * with 404.
 *
 * @param {import('node:test').TestContext} t
 * @param {{ answer?: (request: object) => unknown, refuse?: () => unknown }} [options] `refuse`
 * returns a response instead of a stream
 */
async function createScriptedStream(t, { answer, refuse } = {}) {
  const server = await createScriptedServer(t, (request) => {
    if (!request.path.endsWith('/watch')) return answer?.(request) ?? { status: 404, body: '' }
    const refusal = refuse?.()
    if (refusal) return refusal
    return (response) => {
      response.writeHead(200, { 'Content-Type': 'text/event-stream', 'Cache-Control': 'no-store' })
      response.flushHeaders()
      stream.open.push(response)
    }
  })
  const stream = {
    baseUrl: `${server.origin}/`,
    /** The streams that were opened, oldest first. */
    open: [],
    get requests() {
      return server.requests.filter(({ path }) => path.endsWith('/watch'))
    },
    /** Sends an event to the latest stream. */
    send(event, data, id) {
      const lines = [`event: ${event}`, ...(id ? [`id: ${id}`] : []), `data: ${JSON.stringify(data)}`]
      stream.raw(`${lines.join('\n')}\n\n`)
    },
    /** Sends text to the latest stream. */
    raw: (text) => stream.open.at(-1).write(text),
    /** Breaks the latest stream. */
    cut: () => stream.open.at(-1).destroy(),
    /** Ends the latest stream as a shut-down does. */
    end: () => stream.open.at(-1).end(),
    close: () => server.close(),
    listen: () => server.open(),
  }
  return stream
}

/** A piece of news, as in `clustershazbot/events`. */
const news = (baseUrl, state, { previous = 'unknown', cause = 'answered', ...others } = {}) => ({
  type: 'any',
  server: { baseUrl, monitor: false, lastUpdate: Date.now() },
  state,
  previous,
  cause,
  self: false,
  at: Date.now(),
  view: 1,
  ...others,
})

module.exports = { createScriptedStream, news }
