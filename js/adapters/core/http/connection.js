'use strict'

const { Refusal } = require('./refusal.js')
const { isHttp2 } = require('./request.js')

/**
 * Requests of one connection that wait for their turn; peers and browsers send one after the other. Each costs some 5 kB,
 * and an outsider can send a thousand in one packet.
 */
const MOST_WAITING = 32

/** The connections that requests came over, by their sockets or HTTP/2 sessions. */
const connections = new WeakMap()

/** What happens on a connection, which many requests may share. */
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

  /** Whether an answer would still reach the other side. */
  canAnswer(response) {
    return !this.#isGone && !response.headersSent && !(response.stream ?? response).destroyed
  }

  /** Calls back once the answer has left this process, or can't any more: where requests wait in Node.js, not all have events. */
  onceOver(response, callback) {
    const over = () => {
      if (this.#inProgress.delete(over)) callback()
    }
    this.#inProgress.add(over)
    for (const end of ['finish', 'close']) response.once(end, over)
  }

  /** Resolves when the answers that have taken a turn before are over. Throws if too many wait for that. */
  async takeTurn(request, response) {
    if (this.#waiting.length >= MOST_WAITING) {
      if (!isHttp2(request)) request.socket.destroy()
      throw new Refusal(429, 'Too many requests of this connection wait for their answers')
    }
    if (this.#isTaken) await new Promise((resolve) => this.#waiting.push(resolve))
    this.#isTaken = true
    if (this.canAnswer(response)) this.onceOver(response, () => this.#passOn())
    else {
      this.#passOn()
      throw new Refusal(400, 'The caller has gone')
    }
  }

  #passOn() {
    const next = this.#waiting.shift()
    if (next) next()
    else this.#isTaken = false
  }

  #end() {
    this.#isGone = true
    for (const over of this.#inProgress) over()
  }
}

module.exports = { Connection }
