import { fork } from 'node:child_process'
import { EventEmitter, once } from 'node:events'
import { fileURLToPath } from 'node:url'

const PROGRAM = fileURLToPath(new URL('server.js', import.meta.url))

/**
 * One server of the demo: a process that can be started, killed, made to leave, and restarted on
 * the same port. Emits `change` when its list or its state has changed.
 */
export class Member extends EventEmitter {
  /** Its list: from base URL to `online` or `offline`; undefined until it has told it. */
  list
  #process
  #log = ''

  constructor(name, port, environment) {
    super()
    this.name = name
    this.url = `http://127.0.0.1:${port}/`
    this.port = port
    this.state = 'not started'
    this.environment = { ...environment, PORT: String(port), SHAZBOT_BASE_URL: this.url }
  }

  get pid() {
    return this.#process?.pid
  }

  get running() {
    return this.#process !== undefined
  }

  /** The process's output, for error messages. */
  get log() {
    return this.#log
  }

  start() {
    const child = fork(PROGRAM, { env: { ...process.env, ...this.environment }, silent: true })
    for (const stream of [child.stdout, child.stderr])
      stream.on('data', (text) => {
        this.#log += text
      })
    child.on('message', (news) => {
      // The last messages may arrive after the exit.
      if (child === this.#process) this.#see(news)
    })
    child.once('exit', (code, signal) => {
      this.#process = undefined
      this.list = undefined
      this.#setState(signal ? `killed by ${signal}` : code === 0 ? 'left' : `failed with code ${code}`)
    })
    this.#process = child
    this.#setState('running')
  }

  /** Kills the process, as a crash does, without an announcement. */
  kill() {
    this.#process?.kill('SIGKILL')
  }

  /** Makes the process leave; resolves once it has ended by itself. */
  async leave() {
    const child = this.#process
    if (child === undefined) return
    const end = once(child, 'exit')
    this.#setState('leaving')
    child.kill('SIGTERM')
    await end
  }

  #setState(state) {
    this.state = state
    this.emit('change')
  }

  /** Updates the list by what the process has told. */
  #see(news) {
    this.list ??= new Map()
    for (const [url, state] of news) {
      if (state === 'forgotten') this.list.delete(url)
      else this.list.set(url, state === 'online' || state === 'suspect' ? 'online' : 'offline')
    }
    this.emit('change')
  }
}
