'use strict'

const { spawn } = require('node:child_process')
const { cleanEnvironment, environment } = require('../../support/environment')
const { eventually } = require('../../support/eventually')
const { getList, postDrain, postReturn } = require('../../support/http')
const { freePort } = require('../../support/ports')

const START_WITHIN = 60_000

/**
 * Starts a compiled program as its user would, in a process configured only by its environment.
 *
 * @param {import('node:test').TestContext} t the process is ended when this test ends
 * @param {string[]} command the arguments of Node.js
 * @param {{store: {url: string}, env?: Record<string, string>, cwd?: string, executable?: string}} options
 */
async function startProgram(t, command, { store, env = {}, cwd, executable = process.execPath }) {
  const port = await freePort()
  const baseUrl = `http://127.0.0.1:${port}/`
  const own = { ...environment(store, { SHAZBOT_BASE_URL: baseUrl, ...env }), PORT: String(port) }
  const child = spawn(executable, command, {
    cwd,
    env: { ...cleanEnvironment(), ...own },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const program = new Program(child, baseUrl)
  t.after(() => program.kill())
  return program
}

class Program {
  output = ''
  #child

  constructor(child, baseUrl) {
    this.#child = child
    this.baseUrl = baseUrl
    this.exited = new Promise((resolve) => {
      // All output has been read only then.
      child.once('close', (code, signal) => resolve({ code, signal }))
    })
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding('utf8').on('data', (text) => {
        this.output += text
      })
    }
  }

  get isRunning() {
    return this.#child.exitCode === null && this.#child.signalCode === null
  }

  /** Returns both lists over HTTP; undefined while it does not listen. */
  async list() {
    try {
      const { status, json } = await getList(this.baseUrl)
      return status === 200 ? json : undefined
    } catch {
      return undefined
    }
  }

  async listening() {
    await eventually(() => this.list(), {
      within: START_WITHIN,
      what: `a response of ${this.baseUrl}`,
    }).catch((error) => {
      throw new Error(`${error.message}\n${this.output}`)
    })
  }

  drain() {
    return postDrain(this.baseUrl)
  }

  bringBack() {
    return postReturn(this.baseUrl)
  }

  /** Sends a signal; resolves with the exit of the process. */
  stop(signal) {
    this.#child.kill(signal)
    return this.exited
  }

  async kill() {
    if (this.isRunning) this.#child.kill('SIGKILL')
    await this.exited
  }
}

module.exports = { startProgram }
