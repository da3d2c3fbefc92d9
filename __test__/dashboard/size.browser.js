'use strict'

const assert = require('node:assert/strict')
const { describe, test } = require('node:test')
const { useBrowser } = require('../support/browser')
const { READ_SECRET, startDashboards } = require('../support/dashboard-cluster')
const { eventually } = require('../support/eventually')
const { createPeers } = require('../support/fake-peer')
const { getList, postDrain, postReturn } = require('../support/http')

const SERVERS = 1_000
/** What the page may take until it has painted an event, in ms of its main thread. */
const MAX_SHOWN = 300
const MAX_CHANGE = 50

describe('a page of 1,000 servers', () => {
  const openPage = useBrowser()

  test('is shown within 300 ms of the answer, and a change within 50 ms', async (t) => {
    const peers = await createPeers(t, SERVERS - 1)
    const [server] = await startDashboards(t, 1, { servers: peers.entries() })
    await eventually(async () => (await getList(server.baseUrl)).json.online.length === SERVERS)
    const view = await openPage(t)
    const stopwatch = await Stopwatch.of(view.page)
    await view.page.goto(server.page)
    await view.page.type('#secret', READ_SECRET)
    const shown = await stopwatch.time('snapshot', () => view.page.keyboard.press('Enter'))
    await view.eventually((count) => document.querySelectorAll('#rows tr').length === count, SERVERS)
    t.diagnostic(`shown: ${shown}`)
    assert.ok(shown.busy <= MAX_SHOWN, `shown: ${shown}`)

    for (const key of ['server', 'state']) {
      await view.page.click(`[data-sort="${key}"]`)
      await view.page.evaluate(
        () => new Promise((resolve) => requestAnimationFrame(() => setTimeout(resolve))),
      )
      for (const post of [postDrain, postReturn]) {
        const change = await stopwatch.time('change', () => post(server.baseUrl))
        t.diagnostic(`a change, sorted by ${key}: ${change}`)
        assert.ok(change.busy <= MAX_CHANGE, `a change: ${change}`)
      }
    }
    assert.deepEqual(view.console, [])
  })
})

/** Measures how long a page takes from an event of the stream until it has painted it. */
class Stopwatch {
  #session
  #report

  static async of(page) {
    const stopwatch = new Stopwatch()
    stopwatch.#session = await page.createCDPSession()
    // The time that the thread has worked, as the machine may be busy with other things.
    await stopwatch.#session.send('Performance.enable', { timeDomain: 'threadTicks' })
    await page.exposeFunction('reportPainted', (event, elapsed) => stopwatch.#report?.(event, elapsed))
    await page.evaluateOnNewDocument(reportEvents)
    return stopwatch
  }

  /** Resolves when the page has painted the next event of this kind, which `action` causes. */
  async time(kind, action) {
    const painted = new Promise((resolve) => {
      this.#report = (event, elapsed) => event === kind && resolve(elapsed)
    })
    const before = await this.#busy()
    await action()
    const elapsed = await painted
    const busy = (await this.#busy()) - before
    return { busy, toString: () => `${busy.toFixed(0)} ms of work in ${elapsed.toFixed(0)} ms` }
  }

  async #busy() {
    const { metrics } = await this.#session.send('Performance.getMetrics')
    return metrics.find(({ name }) => name === 'TaskDuration').value * 1_000
  }
}

/** Runs in the page: its script parses each event first. */
function reportEvents() {
  const { parse } = JSON
  JSON.parse = (text) => {
    const began = performance.now()
    const value = parse(text)
    const event = value.news && (value.news.length > 1 ? 'snapshot' : 'change')
    const report = () => globalThis.reportPainted(event, performance.now() - began)
    // The page renders in the next frame; a task that it starts runs when it has been painted.
    if (event) requestAnimationFrame(() => setTimeout(report))
    return value
  }
}
