'use strict'

const { spawn } = require('node:child_process')
const { cleanEnvironment, environment } = require('./environment')
const { SUBJECT } = require('./subject')

/**
 * Runs a program of a few lines in a bare process of its own: no server, no channel, nothing that would hold it but what
 * it does itself. In it, `shazbot` is the package under test.
 *
 * @param {import('node:test').TestContext} t the process is ended when this test ends
 * @param {string | Function} program its text, or a function of which the body is taken; may use `await`
 * @param {{store?: {url: string}, env?: Record<string, string | undefined>, nodeOptions?: string[], loads?: boolean}} [options]
 *   `loads: false` leaves it to the program to load the package
 * @returns {{exited: Promise<{code: number | null, signal: string | null, at: number}>, stdout: string, stderr: string,
 *   kill: (signal?: string) => void, pid: number, said: (text: string) => boolean, isRunning: boolean}}
 */
function runScript(
  t,
  program,
  { store = { url: 'http://127.0.0.1:9/none' }, env = {}, nodeOptions = [], loads = true } = {},
) {
  const text = typeof program === 'function' ? `(${program})()` : `(async () => {\n${program}\n})()`
  const source = loads ? `const shazbot = require(${JSON.stringify(SUBJECT)});\n${text}` : text
  const variables = environment(store, { SHAZBOT_BASE_URL: 'http://127.0.0.1:9/me/', ...env })
  const child = spawn(process.execPath, [...nodeOptions, '-e', source], {
    env: { ...cleanEnvironment(), ...variables },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const script = {
    stdout: '',
    stderr: '',
    pid: child.pid,
    get isRunning() {
      return child.exitCode === null && child.signalCode === null
    },
    said: (text) => script.stdout.includes(text),
    kill: (signal = 'SIGKILL') => child.kill(signal),
    exited: new Promise((resolve) => {
      let at
      child.once('exit', () => {
        at = performance.now()
      })
      // Only then all that it wrote has been read.
      child.once('close', (code, signal) => resolve({ code, signal, at }))
    }),
  }
  for (const stream of ['stdout', 'stderr']) {
    child[stream].setEncoding('utf8').on('data', (text) => {
      script[stream] += text
    })
  }
  t.after(() => {
    if (script.isRunning) child.kill('SIGKILL')
    return script.exited
  })
  return script
}

module.exports = { runScript }
