'use strict'

const path = require('node:path')
const { Worker } = require('node:worker_threads')
const { cleanEnvironment, environment } = require('./environment')
const { SUBJECT } = require('./subject')

const PROGRAM = path.join(__dirname, '..', 'fixtures', 'engine-worker.js')

/**
 * Starts a worker thread that has loaded the tested package, with its own environment.
 *
 * @param {import('node:test').TestContext} t the worker is ended when this test ends
 * @param {{store: {url: string}, env: Record<string, string>}} options
 */
function startWorker(t, { store, env }) {
  const worker = new Worker(PROGRAM, {
    env: { ...cleanEnvironment(), ...environment(store, env) },
    workerData: { modulePath: SUBJECT },
    stdout: true,
    stderr: true,
  })
  const pending = new Map()
  let lastId = 0
  worker.on('message', ({ id, value, error }) => {
    const { resolve, reject } = pending.get(id)
    pending.delete(id)
    // A cloned error has lost its code.
    if (error) reject(Object.assign(new Error(error.message), error))
    else resolve(value)
  })
  const engine = {
    stdout: '',
    stderr: '',
    threadId: worker.threadId,
    error: undefined,
    exited: new Promise((resolve) => {
      worker.once('exit', resolve)
    }),
    /** Calls an exported function in the worker, or one of the fixture's own. */
    call(name, ...args) {
      const id = ++lastId
      worker.postMessage({ id, name, args })
      return new Promise((resolve, reject) => {
        pending.set(id, { resolve, reject })
        engine.exited.then((code) => reject(new Error(`The worker ended with code ${code}`)))
      })
    },
    terminate: () => worker.terminate(),
  }
  for (const stream of ['stdout', 'stderr']) {
    worker[stream].setEncoding('utf8').on('data', (text) => {
      engine[stream] += text
    })
  }
  worker.on('error', (error) => {
    engine.error = error
  })
  t.after(() => worker.terminate())
  return engine
}

module.exports = { startWorker }
