'use strict'

const { fork } = require('node:child_process')
const { AssertionError } = require('node:assert')
const path = require('node:path')
const { setTimeout: pause } = require('node:timers/promises')
const { cleanEnvironment, SECRET } = require('./environment')
const { withTimeout } = require('./eventually')
const { getList, postDrain, postGossip, postReturn } = require('./http')
const { readMetrics } = require('./metrics')

// A start takes at most 10 s for a download and 5 s for announcements, plus a margin for the
// process.
const READY_WITHIN = 60_000

const APP_PROCESS = path.join(__dirname, 'app-process.js')

/**
 * Starts a program in its own process: an HTTP server with the three routes over the tested
 * package.
 *
 * @param {import('node:test').TestContext} t the process is ended when this test ends
 * @param {object} options
 * @param {string} options.modulePath the package, or the reference
 * @param {Record<string, string>} options.env `SHAZBOT_` variables; the default `SHAZBOT_BASE_URL`
 * has its own port
 * @param {boolean} [options.start] whether it calls `shazbotStart()` before it is ready. Default
 * true.
 * @param {boolean} [options.listenLate] starts before it listens, as Nest does; needs `port`
 * @param {string} [options.host] the address that it listens on. Default 127.0.0.1.
 * @param {number} [options.port] default: any free port
 * @param {string[]} [options.inside] a command with arguments that runs the program
 * @param {number} [options.bodyLimit] bytes of a body, as in `express.json()`. Default 100 kB.
 */
async function spawnApp(t, { modulePath, env, start = true, inside = [], ...settings }) {
  const [execPath, ...execArgv] = [...inside, process.execPath]
  const child = fork(APP_PROCESS, [], {
    execPath,
    execArgv,
    env: { ...cleanEnvironment(), ...env, APP_SETTINGS: JSON.stringify({ modulePath, start, ...settings }) },
    serialization: 'advanced',
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
  })
  const app = new App(child)
  t.after(() => app.kill())
  await withTimeout(app.ready, {
    within: READY_WITHIN,
    what: start ? 'the end of shazbotStart()' : 'the process',
  })
  return app
}

class App {
  /** Its output, line by line: `{stream: 'stdout' | 'stderr', text}`. */
  lines = []
  /**
   * The changes of its list since `watch` was called: `{at, come: baseUrl[], gone: baseUrl[]}`,
   * `at` by Date.now().
   */
  changes = []
  /** The changes of which its events have told since `hear` was called. */
  heard = []
  #child
  #pending = new Map()
  #lastId = 0
  #setReady
  #failReady

  constructor(child) {
    this.#child = child
    this.ready = new Promise((resolve, reject) => {
      this.#setReady = resolve
      this.#failReady = reject
    })
    this.exited = new Promise((resolve) => {
      child.once('exit', (code, signal) => resolve({ code, signal }))
    })
    // Its last replies may arrive after its exit, but not after its channel has closed.
    child.once('close', (code, signal) => this.#failPending({ code, signal }))
    child.on('message', (message) => this.#receive(message))
    child.on('error', (error) => this.#failReady(error))
    for (const stream of ['stdout', 'stderr']) this.#collectLines(stream)
  }

  get isRunning() {
    return this.#child.exitCode === null && this.#child.signalCode === null
  }

  get pid() {
    return this.#child.pid
  }

  /**
   * Calls an exported function in the process; rejects with an error of the same message, code and
   * status.
   */
  call(name, ...args) {
    return this.#ask({ kind: 'call', name, args })
  }

  /** Calls an exported function that must resolve: a rejection is a failed assertion. */
  async succeed(name, ...args) {
    try {
      return await this.call(name, ...args)
    } catch (error) {
      throw error instanceof AssertionError
        ? error
        : new AssertionError({ message: `${name}() rejected: ${error.message}` })
    }
  }

  /** Resolves when the earlier calls have been made in the process, whether complete or not. */
  hasCalled() {
    return this.setEnv({})
  }

  /** Sets variables in its `process.env`; `undefined` removes one. */
  setEnv(variables) {
    return this.#ask({ kind: 'setEnv', variables })
  }

  /** Blocks its event loop; resolves with the start and the end of that (Date.now()). */
  block(milliseconds) {
    return this.#ask({ kind: 'block', milliseconds })
  }

  /** Makes it check its online list at this interval in ms and report changes; see `changes`. */
  watch(every) {
    return this.#ask({ kind: 'watch', every })
  }

  /** Makes it report what its events tell; see `heard`. */
  hear() {
    return this.#ask({ kind: 'hear' })
  }

  /** The news of this server since `hear` was called. */
  newsOf(baseUrl) {
    return this.heard.flatMap(({ news }) => news).filter(({ server }) => server.baseUrl === baseUrl)
  }

  /** Returns the status that its events show. */
  status() {
    return this.#ask({ kind: 'status' })
  }

  /** Returns its metrics as read by `readMetrics`. */
  async metrics() {
    return readMetrics(await this.#ask({ kind: 'metrics' }))
  }

  /**
   * Returns its usage so far: bytes `received` and `sent` over accepted connections, `cpu` in ms of
   * all its threads, `memory` in bytes.
   */
  usage() {
    return this.#ask({ kind: 'usage' })
  }

  /** Sends it a signal, such as SIGSTOP and SIGCONT. */
  signal(name) {
    this.#child.kill(name)
  }

  /**
   * Shuts the engine down and exits, as a program does on SIGTERM; resolves at the end of the
   * process.
   */
  async leave() {
    await this.#ask({ kind: 'leave' })
    return this.exited
  }

  /** Closes its port, while the process and its engine continue. */
  stopListening() {
    return this.#ask({ kind: 'stopListening' })
  }

  /** Listens on its port again. */
  listenAgain() {
    return this.#ask({ kind: 'listenAgain' })
  }

  /**
   * Stops listening and releases all handles of the program, so only the engine could keep the
   * process alive.
   */
  letGo() {
    return this.#ask({ kind: 'letGo' })
  }

  /** Kills the process, as in a crash; resolves at its end. */
  kill() {
    if (this.isRunning) this.#child.kill('SIGKILL')
    return this.exited
  }

  /** Returns both lists, over HTTP with the control secret. */
  async list() {
    return (await this.#http(getList(this.baseUrl))).json
  }

  /** Sends it a gossip message over HTTP; resolves with the response. */
  async sendGossip(lists) {
    const { status, json, text } = await this.#http(postGossip(this.baseUrl, lists, this.secret ?? SECRET))
    if (status !== 200)
      throw new AssertionError({ message: `A gossip message was answered with ${status}: ${text}` })
    return json
  }

  /** Takes it offline, over HTTP. */
  drain() {
    return this.#control(postDrain(this.baseUrl))
  }

  /** Brings it back online, over HTTP. */
  bringBack() {
    return this.#control(postReturn(this.baseUrl))
  }

  async #control(response) {
    const { status, text } = await this.#http(response)
    if (status !== 200)
      throw new AssertionError({ message: `A control message was answered with ${status}: ${text}` })
  }

  /** Returns the lines of one stream, or all. */
  output(stream) {
    return this.lines
      .filter((line) => !stream || line.stream === stream)
      .map(({ text }) => text)
      .join('\n')
  }

  async #http(answer) {
    try {
      return await answer
    } catch (error) {
      // A dying process closes its connections before it ends.
      const how = await Promise.race([this.exited, pause(1_000)])
      throw how ? this.#gone(how) : error
    }
  }

  #ask(question) {
    const id = ++this.#lastId
    const reply = new Promise((resolve, reject) => {
      this.#pending.set(id, { resolve, reject })
      if (!this.#child.connected) this.exited.then((how) => this.#failPending(how))
      else
        this.#child.send(
          { id, ...question },
          (error) => error && this.exited.then((how) => this.#failPending(how)),
        )
    })
    // A failed test no longer waits for the calls that it made.
    reply.catch(() => {})
    return reply
  }

  #receive(message) {
    if (message.kind === 'change') {
      this.changes.push(message)
      return
    }
    if (message.kind === 'heard') {
      this.heard.push(message.change)
      return
    }
    if (message.kind === 'ready') {
      const { port, baseUrl, began, answered } = message
      Object.assign(this, { port, baseUrl, began, answered })
      if (message.error) this.#failReady(startError(message.error))
      else this.#setReady()
      return
    }
    const { resolve, reject } = this.#pending.get(message.id)
    this.#pending.delete(message.id)
    if (message.error) reject(Object.assign(new Error(message.error.message), message.error))
    else resolve(message.value)
  }

  #failPending(how) {
    const error = this.#gone(how)
    this.#failReady(error)
    for (const { reject } of this.#pending.values()) reject(error)
    this.#pending.clear()
  }

  #gone({ code, signal }) {
    const message = `The server process ended (${signal ?? `code ${code}`}):\n${this.output('stderr').slice(-2_000)}`
    return Object.assign(new AssertionError({ message }), { isFinal: true })
  }

  #collectLines(stream) {
    let rest = ''
    this.#child[stream].setEncoding('utf8').on('data', (text) => {
      const parts = (rest + text).split('\n')
      rest = parts.pop()
      for (const part of parts) this.lines.push({ stream, text: part })
    })
  }
}

function startError({ message, stack }) {
  return new AssertionError({ message: `shazbotStart() rejected: ${message}\n${stack}` })
}

module.exports = { spawnApp }
