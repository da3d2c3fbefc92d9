'use strict'

const { HttpError } = require('./http-error.js')
const { isHttp2 } = require('./request.js')

/**
 * Requests of one connection that wait for their turn; peers and browsers send one at a time. Each
 * costs about 5 kB, and an outsider can send a thousand in one packet.
 */
const MAX_WAITING = 32

/** The connections by their sockets or HTTP/2 sessions. */
const connections = new WeakMap()

/** One connection, which many requests may share. */
class Connection {
  #isGone = false
  #isTaken = false
  #waiting = []
  #inProgress = new Set()

  static of(request) {
    const key = (isHttp2(request) ? request.stream.session : request.socket) ?? request
    let connection = connections.get(key)
    if (!connection) {
      connection = new Connection()
      connections.set(key, connection)
      key.once('close', () => connection.#end())
    }
    return connection
  }

  /** Whether a response can still reach the caller. */
  canRespond(response) {
    return !this.#isGone && !response.headersSent && !(response.stream ?? response).destroyed
  }

  /**
   * Calls back once, when the response was sent or can no longer be. Responses queued in Node.js do
   * not emit every event.
   *
   * @param {import('node:http').ServerResponse} response
   * @param {() => void} callback
   * @param {string[]} [ends] the events of the response that are its end
   */
  onceOver(response, callback, ends = ['finish', 'close']) {
    const finish = () => {
      if (this.#inProgress.delete(finish)) callback()
    }
    this.#inProgress.add(finish)
    for (const end of ends) response.once(end, finish)
  }

  /** Resolves when the earlier responses have ended. Throws if too many requests wait. */
  async takeTurn(request, response) {
    if (this.#waiting.length >= MAX_WAITING) {
      if (!isHttp2(request)) request.socket.destroy()
      throw new HttpError(429, 'Too many requests on this connection are waiting')
    }
    if (this.#isTaken) await new Promise((resolve) => this.#waiting.push(resolve))
    this.#isTaken = true
    if (this.canRespond(response)) this.onceOver(response, () => this.#endTurn())
    else {
      this.#endTurn()
      // Nobody receives this status, which is that of nginx for the same case.
      throw new HttpError(499, 'The caller has disconnected')
    }
  }

  #endTurn() {
    const next = this.#waiting.shift()
    if (next) next()
    else this.#isTaken = false
  }

  #end() {
    this.#isGone = true
    for (const finish of this.#inProgress) finish()
  }
}

module.exports = { Connection }
