'use strict'

const assert = require('node:assert/strict')
const { spawn } = require('node:child_process')
const path = require('node:path')
const { describe, test } = require('node:test')
const { cleanEnvironment } = require('../support/environment')
const { eventually, withTimeout } = require('../support/eventually')

const DEMO = path.join(__dirname, '..', '..', 'examples', 'demo', 'demo.js')
const TIME_LIMIT = 180_000

// Its servers leave on SIGTERM, which acts like SIGKILL on Windows.
const skip = process.platform === 'win32' && 'the demo needs signals'

describe('the demo', { concurrency: true, skip }, () => {
  test('runs to its end and exits with code 0', async (t) => {
    const demo = startDemo(t)
    const { code } = await withTimeout(demo.exited, { within: TIME_LIMIT, what: 'the end of the demo' })
    assert.equal(code, 0, demo.output)
    assert.equal(demo.output.match(/all know after \d+\.\d s/g)?.length, 4, demo.output)
    assert.match(demo.output, /Time until all knew/)
  })

  test('exits with another code and a reason if an expectation fails', async (t) => {
    const breakServers = 'data:text/javascript,if (process.argv[1].endsWith("server.js")) process.exit(3)'
    const demo = startDemo(t, [], {
      NODE_OPTIONS: `--import "${breakServers.replaceAll('"', "'").replaceAll(' ', '%20')}"`,
    })
    const { code } = await withTimeout(demo.exited, { within: TIME_LIMIT, what: 'the end of the demo' })
    assert.equal(code, 1, demo.output)
    assert.match(demo.output, /✗ ada should run, but it failed with code 3/)
  })

  for (const signal of ['SIGINT', 'SIGKILL']) {
    test(`keeps running on request, and leaves no process behind after ${signal}`, async (t) => {
      const demo = startDemo(t, ['--keep'])
      const isInviting = () => /kill -9 \d+ {3}# dan/.test(demo.output) || !demo.isRunning
      await eventually(isInviting, { within: TIME_LIMIT, what: 'the prompt to try things' })
      assert.match(demo.output, /curl -H 'Authorization: \S+' http:\S+\/clustershazbot\/list/)
      const servers = [...demo.output.matchAll(/kill -9 (\d+)/g)].map(([, pid]) => Number(pid))
      assert.equal(servers.length, 4, demo.output)
      assert.ok(servers.every(isAlive))

      demo.kill(signal)
      await withTimeout(demo.exited, { within: TIME_LIMIT, what: 'the end of the demo' })
      await eventually(() => !servers.some(isAlive), { what: 'the end of its servers' })
    })
  }
})

function startDemo(t, args = [], env = {}) {
  const child = spawn(process.execPath, [DEMO, ...args], {
    env: { ...cleanEnvironment(), ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const demo = {
    output: '',
    // All output has been read only then.
    exited: new Promise((resolve) => child.once('close', (code, signal) => resolve({ code, signal }))),
    get isRunning() {
      return child.exitCode === null && child.signalCode === null
    },
    kill: (signal) => child.kill(signal),
  }
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text) => {
      demo.output += text
    })
  }
  t.after(() => child.kill('SIGTERM'))
  return demo
}

function isAlive(pid) {
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false
  }
}
