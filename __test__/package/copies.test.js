'use strict'

const { describe, test } = require('node:test')
const assert = require('node:assert/strict')
const { cpSync, mkdtempSync, readFileSync, rmSync } = require('node:fs')
const { tmpdir } = require('node:os')
const path = require('node:path')
const { createMasterListStore } = require('../support/master-list-store')
const { runScript } = require('../support/script')
const { withTimeout } = require('../support/eventually')

const ROOT = path.join(__dirname, '..', '..')
const PLAIN = 'Clustershazbot engine not started'
const WITH_HINT = `${PLAIN}: another copy of the package runs one in this process, see "Two copies" in its README`
const WARNING = /^Clustershazbot: this copy of the package has no engine: another copy/

/** A copy of the package's JavaScript, with the package's own addon or a copy. */
function copyPackage(t) {
  const folder = mkdtempSync(path.join(tmpdir(), 'clustershazbot-copy-'))
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  for (const part of ['package.json', 'binding.js', 'js'])
    cpSync(path.join(ROOT, part), path.join(folder, part), { recursive: true })
  return folder
}

/** Runs a program that has both copies as `first` and `second`; returns its calls of `report()`. */
async function run(t, program, { sharesAddon = true } = {}) {
  const store = await createMasterListStore(t)
  const folder = copyPackage(t)
  const { name } = require('../../js/engine/platform.js').currentPlatform()
  const addon = path.join(ROOT, `clustershazbot.${name}.node`)
  if (!sharesAddon) cpSync(addon, path.join(folder, path.basename(addon)))
  const script = runScript(
    t,
    `const report = (value) => console.log('report ' + JSON.stringify(value))
    const messageOf = async (act) => { try { await act(); return null } catch ({ message, code, status }) { return { message, code, status } } }
    const first = require(${JSON.stringify(ROOT)})
    const fileOfSecond = require.resolve(${JSON.stringify(folder)})
    const second = require(fileOfSecond)
    ${program}`,
    { store, env: sharesAddon ? { NAPI_RS_NATIVE_LIBRARY_PATH: addon } : {} },
  )
  const { code } = await withTimeout(script.exited, { within: 60_000, what: 'the end of the process' })
  assert.equal(code, 0, script.stderr)
  const reports = script.stdout.split('\n').filter((line) => line.startsWith('report '))
  const warnings = script.stderr.split('\n').filter((line) => WARNING.test(line))
  return { reports: reports.map((line) => JSON.parse(line.slice(7))), warnings }
}

const NOT_STARTED = (message) => ({ message, code: 'SHAZBOT_NOT_STARTED', status: 503 })

describe('two copies of the package in one process', { concurrency: 4 }, () => {
  for (const sharesAddon of [true, false]) {
    test(`the one without an engine reports it, with ${sharesAddon ? 'one addon' : 'an addon each'}`, async (t) => {
      const { reports, warnings } = await run(
        t,
        `report(await messageOf(() => second.shazbotGetServerList()))
        await first.shazbotStart()
        report(await messageOf(() => second.shazbotGetServerList()))
        report(await messageOf(() => second.shazbotGossipRequest('x', {})))
        report(await messageOf(() => second.shazbotListRequest('x')))
        report(first.shazbotGetServerList().online.length)
        await first.shazbotShutDown()
        report(await messageOf(() => second.shazbotGetServerList()))
        report(await messageOf(() => first.shazbotGetServerList()))`,
        { sharesAddon },
      )
      assert.deepEqual(reports, [
        NOT_STARTED(PLAIN),
        ...Array(3).fill(NOT_STARTED(WITH_HINT)),
        1,
        ...Array(2).fill(NOT_STARTED(PLAIN)),
      ])
      assert.equal(warnings.length, 1)
    })
  }

  test('an adapter of the one without an engine reports it', async (t) => {
    const { reports } = await run(
      t,
      `const { shazbotHandler } = require(fileOfSecond.replace('index.js', 'adapters/node.js'))
      await first.shazbotStart()
      const server = require('node:http').createServer(shazbotHandler())
      await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve))
      const response = await fetch('http://127.0.0.1:' + server.address().port + '/clustershazbot/list')
      report([response.status, await response.json()])
      server.close()
      server.closeAllConnections()
      await first.shazbotShutDown()`,
    )
    assert.deepEqual(reports, [[503, { error: WITH_HINT }]])
  })

  test('the one without an engine leaves the hook of happy-server to the other', async (t) => {
    const { reports } = await run(
      t,
      `globalThis.happyServerExtension = {}
      await first.shazbotStart()
      const { clustershazbot } = globalThis.happyServerExtension
      for (const loaded of Object.keys(require.cache)) if (loaded.includes('clustershazbot-copy-')) delete require.cache[loaded]
      require(fileOfSecond)
      report(globalThis.happyServerExtension.clustershazbot === clustershazbot)
      await first.shazbotShutDown()`,
    )
    assert.deepEqual(reports, [true])
  })

  test('workers and contexts have their own engines, and see no other copy', async (t) => {
    const { reports, warnings } = await run(
      t,
      `await first.shazbotStart()
      const { Worker } = require('node:worker_threads')
      const worker = new Worker(
        'try { require(process.argv[2]).shazbotGetServerList() } catch ({ message }) { require("node:worker_threads").parentPort.postMessage(message) }',
        { eval: true, argv: [fileOfSecond] },
      )
      report(await new Promise((resolve) => worker.once('message', resolve)))
      await first.shazbotShutDown()`,
    )
    assert.deepEqual(reports, [PLAIN])
    assert.equal(warnings.length, 0)
  })

  test('the same file loaded again is not another copy', async (t) => {
    const { reports, warnings } = await run(
      t,
      `await first.shazbotStart()
      for (const loaded of Object.keys(require.cache)) if (!loaded.endsWith('.node')) delete require.cache[loaded]
      const again = require(${JSON.stringify(ROOT)})
      report(again !== first)
      report(await messageOf(() => again.shazbotGetServerList()))
      await first.shazbotShutDown()`,
    )
    assert.deepEqual(reports, [true, NOT_STARTED(PLAIN)])
    assert.equal(warnings.length, 0)
  })

  test('the README has the section named in the error', () => {
    assert.match(readFileSync(path.join(ROOT, 'README.md'), 'utf8'), /\*\*Two copies/)
  })
})
