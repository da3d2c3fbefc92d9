'use strict'

/** The recipes of docs/owners.md. */

const assert = require('node:assert/strict')
const path = require('node:path')
const { before, describe, test } = require('node:test')
const { buildApp } = require('../apps/support/build')
const { startProgram } = require('../apps/support/program')
const { eventually } = require('../support/eventually')
const { request } = require('../support/http')
const { createMasterListStore } = require('../support/master-list-store')

const FOLDER = path.join(__dirname, '..', '..', 'examples', 'recipes')
const EVERY_SECOND = { REPORT_SCHEDULE: '* * * * * *' }
/** Reports that a server sends before it counts as the only one that does. */
const REPORTS = 3

describe('recipes of owners', { concurrency: true }, () => {
  let folder
  before(async () => {
    const options = { skipLibCheck: true }
    folder = await buildApp({ source: FOLDER, workspace: FOLDER, format: 'esm', options })
  })

  /** Starts three servers that know each other. */
  async function startThree(t, name, env) {
    const store = await createMasterListStore(t)
    const start = async () => {
      const program = await startProgram(t, [path.join(folder, `${name}.js`)], { store, env })
      await program.listening()
      return program
    }
    const first = await start()
    store.write([{ baseUrl: first.baseUrl, monitor: false, lastUpdate: Date.now() }])
    const programs = [first, ...(await Promise.all([start(), start()]))]
    await agree(programs)
    return programs
  }

  for (const name of ['cron-nest', 'cron-node-cron', 'cron-croner']) {
    test(`${name}: one server sends the report, and another one after its death`, async (t) => {
      const programs = await startThree(t, name, EVERY_SECOND)
      const sender = await onlySender(programs)
      await sender.kill()
      const others = programs.filter((program) => program !== sender)
      const next = await onlySender(others)
      assert.notEqual(next, sender)
      // Programs end by themselves with a running schedule, except for Nest, which is killed.
      if (process.platform === 'win32') return
      for (const { code, signal } of await Promise.all(others.map((other) => other.stop('SIGTERM'))))
        assert.ok(code === 0 || (name === 'cron-nest' && signal === 'SIGTERM'), `${code} ${signal}`)
    })
  }

  test('partitioned-cache: all servers answer from the cache of the owner', async (t) => {
    const programs = await startThree(t, 'partitioned-cache')
    const readers = new Set()
    for (let id = 0; id < 20; id++) {
      // A server that hears nothing of the owner for a while, on a busy machine, reads by itself.
      const text = await eventually(async () => {
        const texts = await answers(programs, `users/${id}`)
        assert.equal(new Set(texts).size, 1, texts.join('\n'))
        return texts[0]
      })
      readers.add(text.split(' ').at(-1))
    }
    assert.ok(readers.size > 1, 'several servers own users')
    await programs[2].kill()
    // Also before the others have noticed.
    for (let id = 0; id < 20; id++)
      for (const text of await answers(programs.slice(0, 2), `users/${id}`))
        assert.match(text, new RegExp(`^User ${id}, `))
  })

  test('drop-entries: a change drops the entry on all servers', async (t) => {
    const programs = await startThree(t, 'drop-entries')
    const read = (times) => programs.map(() => `Setting colour, read ${times} times`)
    for (let repeat = 0; repeat < 2; repeat++)
      assert.deepEqual(await answers(programs, 'settings/colour'), read(1))
    const url = (program, page) => `${program.baseUrl}${page}`
    const change = await request(url(programs[1], 'settings/colour'), { method: 'PUT' })
    assert.deepEqual(change.json, { unreached: [] })
    assert.deepEqual(await answers(programs, 'settings/colour'), read(2))
    const forged = await request(url(programs[0], 'cached-settings/colour'), { method: 'DELETE' })
    assert.equal(forged.status, 401)
    assert.deepEqual(await answers(programs, 'settings/colour'), read(2))
  })

  test('rate-limit: each server takes its share', async (t) => {
    const programs = await startThree(t, 'rate-limit', { REQUESTS_PER_MINUTE: '600' })
    const limits = async (running) => {
      const responses = await Promise.all(running.map(({ baseUrl }) => request(baseUrl)))
      return responses.map(({ headers }) => Number(headers['x-ratelimit-limit']))
    }
    assert.deepEqual(await limits(programs), [200, 200, 200])
    await programs[2].kill()
    const rest = programs.slice(0, 2)
    await eventually(async () => (await limits(rest)).every((limit) => limit === 300), {
      what: 'a share of a half',
    })
    const statuses = new Set()
    for (let count = 0; count < 700 && statuses.size < 2; count++)
      statuses.add((await request(rest[0].baseUrl)).status)
    assert.deepEqual([...statuses], [200, 429])
  })
})

/** Resolves when each program lists exactly these. */
function agree(programs) {
  const expected = programs.map(({ baseUrl }) => baseUrl).sort()
  return eventually(
    async () => {
      for (const program of programs) {
        const { online } = await program.list()
        assert.deepEqual(online.map(({ baseUrl }) => baseUrl).sort(), expected)
      }
      return true
    },
    { what: 'the servers seeing each other' },
  )
}

/** Resolves with the program that sends all reports for a while. */
async function onlySender(programs) {
  const sentBy = ({ output }) => output.match(/The report is sent/g)?.length ?? 0
  let begun = programs.map(sentBy)
  return eventually(
    () => {
      const sent = programs.map((program, index) => sentBy(program) - begun[index])
      const senders = programs.filter((_, index) => sent[index] > 0)
      // Before the views have settled, several may send.
      if (senders.length > 1) begun = programs.map(sentBy)
      return senders.length === 1 && Math.max(...sent) >= REPORTS && senders[0]
    },
    { within: 60_000, what: 'one server that sends all reports' },
  )
}

const answers = (programs, page) =>
  Promise.all(programs.map(async ({ baseUrl }) => (await request(baseUrl + page)).text))
