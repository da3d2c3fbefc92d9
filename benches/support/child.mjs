import { fork } from 'node:child_process'
import { once } from 'node:events'

/**
 * Returns the first message of a program in its own process, which receives `input` and is then
 * ended.
 */
export async function firstMessage(url, input, execArgv = []) {
  const child = await Child.start(url, input, execArgv)
  child.end()
  return child.first
}

/** A program in its own process, which answers each message with one. */
export class Child {
  #process
  #exited

  static async start(url, input, execArgv = []) {
    const child = new Child()
    const stdio = ['ignore', 'ignore', 'inherit', 'ipc']
    child.#process = fork(url, [JSON.stringify(input)], { execArgv, stdio })
    child.#exited = once(child.#process, 'exit').then(([code, signal]) => {
      throw new Error(`${url} ended with ${signal ?? code}`)
    })
    child.#exited.catch(() => {})
    /** The message that it sent when it was ready. */
    child.first = await child.#next()
    return child
  }

  ask(message) {
    this.#process.send(message)
    return this.#next()
  }

  end() {
    this.#process.kill('SIGKILL')
  }

  async #next() {
    const message = once(this.#process, 'message').then(([message]) => message)
    return Promise.race([message, this.#exited])
  }
}
