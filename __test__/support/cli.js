'use strict'

const { spawn } = require('node:child_process')
const path = require('node:path')
const { cleanEnvironment } = require('./environment')
const { parsed } = require('./http')

const PROGRAM = path.join(__dirname, '..', '..', require('../../package.json').bin.clustershazbot)

/**
 * Starts the command line in its own process.
 *
 * @param {import('node:test').TestContext} t the process is ended when this test ends
 * @param {string[]} args
 * @param {{ env?: Record<string, string>, nodeOptions?: string[] }} [options]
 */
function startCli(t, args, { env = {}, nodeOptions = [] } = {}) {
  const child = spawn(process.execPath, [...nodeOptions, PROGRAM, ...args], {
    env: { ...cleanEnvironment(), ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const cli = {
    stdout: '',
    stderr: '',
    get lines() {
      return cli.stdout.split('\n').slice(0, -1)
    },
    /** The JSON values of its lines. */
    get values() {
      return cli.lines.map((line) => JSON.parse(line))
    },
    kill: (signal) => child.kill(signal),
    /** Closes the pipe of its output, as `head` does. */
    closeOutput: () => child.stdout.destroy(),
    /** Closes the pipe of its notices. */
    closeNotices: () => child.stderr.destroy(),
    exited: new Promise((resolve) => {
      child.once('close', (code, signal) => resolve({ code, signal }))
    }),
  }
  for (const stream of ['stdout', 'stderr']) {
    child[stream].setEncoding('utf8').on('data', (text) => {
      cli[stream] += text
    })
  }
  t.after(() => {
    child.kill('SIGKILL')
    return cli.exited
  })
  return cli
}

/**
 * Runs the command line to its end.
 *
 * @returns {Promise<{ code: number, stdout: string, stderr: string, lines: string[], json: any }>}
 */
async function runCli(t, args, options) {
  const cli = startCli(t, args, options)
  const { code } = await cli.exited
  const { stdout, stderr, lines } = cli
  return { code, stdout, stderr, lines, json: parsed(stdout) }
}

module.exports = { runCli, startCli }
