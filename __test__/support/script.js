'use strict'

const { spawn } = require('node:child_process')
const { cleanEnvironment, environment } = require('./environment')
const { SUBJECT } = require('./subject')

/**
 * Runs a short program in a bare process: no server, no channel, nothing that keeps it alive except
 * the program itself. In it, `shazbot` is the tested package.
 *
 * @param {import('node:test').TestContext} t the process is ended when this test ends
 * @param {string | Function} program its text, or a function whose body is used; may use `await`
 * @param {{store?: {url: string}, env?: Record<string, string | undefined>, nodeOptions?: string[], loads?: boolean}} [options]
 *   `loads: false` lets the program load the package itself
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
      // All output has been read only then.
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
