import { fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'

const PROGRAM = fileURLToPath(new URL('server.js', import.meta.url))

/**
 * One server of the demo: a process that can be started, killed, made to leave, and restarted on
 * the same port.
 */
export class Member {
  #process
  #log = ''

  constructor(name, port, environment) {
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
    child.once('exit', (code, signal) => {
      this.#process = undefined
      this.state = signal ? `killed by ${signal}` : code === 0 ? 'left' : `failed with code ${code}`
    })
    this.#process = child
    this.state = 'running'
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
    this.state = 'leaving'
    child.kill('SIGTERM')
    await end
  }

  /**
   * Returns this server's list: a map from base URL to `online` or `offline`; undefined while it
   * does not answer.
   */
  async list(controlSecret) {
    try {
      const response = await fetch(`${this.url}clustershazbot/list`, {
        headers: { Authorization: controlSecret },
        signal: AbortSignal.timeout(10_000),
      })
      if (!response.ok) return undefined
      const { online, offline } = await response.json()
      return new Map([
        ...offline.map(({ baseUrl }) => [baseUrl, 'offline']),
        ...online.map(({ baseUrl }) => [baseUrl, 'online']),
      ])
    } catch {
      return undefined
    }
  }
}
