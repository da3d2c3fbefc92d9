'use strict'

const { escaped } = require('../../engine/printable.js')
const { follow } = require('../client/feed.js')
const { Seen, newsOfView } = require('../client/seen.js')
const { FINE } = require('../output/exit-codes.js')

/** The widths of the columns: time, state, cause. */
const STATE_WIDTH = 9
const CAUSE_WIDTH = 8

/** Tells what changes, until a signal ends it. */
async function watch({ baseUrl, access, output }) {
  for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => process.exit(FINE))
  const watcher = new Watcher(baseUrl, output)
  for await (const { event, data } of follow(baseUrl, access)) watcher.handle(event, data)
  return FINE
}

/** Writes what a server tells, each change once, however often the stream is opened. */
class Watcher {
  #baseUrl
  #output
  #seen = new Seen()
  #hasBegun = false
  #isLost = false
  #phase
  #isIsolated

  constructor(baseUrl, output) {
    this.#baseUrl = baseUrl
    this.#output = output
  }

  handle(event, data) {
    if (event === 'lost') return this.#lose(data)
    if (event === 'private')
      return this.#output.notice('The stream needs a valid secret, so the list is looked at every 2 s.')
    if (this.#isLost) {
      this.#isLost = false
      this.#output.notice(`connected to ${this.#baseUrl} again`)
    }
    switch (event) {
      case 'snapshot':
        return this.#tell(this.#seen.takeAll(newsIn(data), data?.at ?? Date.now()))
      case 'change':
        return this.#tell(this.#seen.takeNews(newsIn(data)))
      case 'list':
        return this.#tell(
          this.#seen.takeAll(newsOfView(data), data.now, data.hasOffline ? 'forgotten' : 'offline'),
        )
      case 'status':
        return this.#tellStatus(data ?? {})
      case 'end':
        return this.#output.notice(`${this.#baseUrl} shuts down; waiting for it to come back`)
    }
  }

  #lose({ reason }) {
    if (!this.#isLost) this.#output.notice(`lost ${this.#baseUrl}: ${escaped(reason)} Trying again.`)
    this.#isLost = true
  }

  #tell(news) {
    const isFirst = !this.#hasBegun
    this.#hasBegun = true
    if (news.length === 0 && !isFirst) return
    if (this.#output.isJson)
      return this.#output.json({ event: isFirst ? 'snapshot' : 'change', ...this.#seen.count(), news })
    if (!isFirst) return this.#output.lines(...news.map((piece) => this.#lineOf(piece)))
    const { online, suspect, dead, left, offline } = this.#seen.count()
    const total = `${online + suspect} online, ${dead + left + offline} offline; watching ${this.#baseUrl}`
    const unusual = news.filter(({ state }) => state !== 'online')
    this.#output.lines(`${timeOf(Date.now())}  ${total}`, ...unusual.map((piece) => this.#lineOf(piece)))
  }

  #tellStatus(status) {
    const { phase, isolated } = status
    if (phase === this.#phase && isolated === this.#isIsolated) return
    this.#phase = phase
    this.#isIsolated = isolated
    if (this.#output.isJson) return this.#output.json({ event: 'status', ...status })
    const what = `${escaped(String(phase))}${isolated ? ', isolated' : ''}`
    this.#output.lines(`${timeOf(Date.now())}  ${this.#baseUrl} is ${what}`)
  }

  #lineOf({ at, state, cause, server }) {
    const columns = [timeOf(at), state.padEnd(STATE_WIDTH), escaped(String(cause ?? '-')).padEnd(CAUSE_WIDTH)]
    return this.#output.paint(state, `${columns.join('  ')}  ${escaped(server.baseUrl)}`)
  }
}

/** The news in what a stream tells; none if it is something else. */
function newsIn(data) {
  return Array.isArray(data?.news) ? data.news : []
}

/** The time of day, in the time zone of this machine. */
function timeOf(at) {
  return new Date(at).toTimeString().slice(0, 8)
}

module.exports = { watch }
