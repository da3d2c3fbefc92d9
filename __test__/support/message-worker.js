'use strict'

/**
 * An engine in a worker that receives gossip messages. `{bodies}`, as bytes, is answered with a
 * list of `{status, answer, lists}`: the status and content of each response, and the lists
 * afterwards. With `workerData.path` `raw`, the bytes take the adapters' path; with `objects`, they
 * go through a body parser and the function.
 */

const { parentPort, workerData } = require('node:worker_threads')
const { parse } = require('./body-parser')

const { env, path } = workerData
Object.assign(process.env, env)

const shazbot = require('../../js/index.js')
const { gossipRaw } = require('../../js/adapters/core/raw.js')

const BAD = { status: 400 }

async function byBytes(body) {
  const { status, parts } = await gossipRaw(env.SHAZBOT_SECRET, [Buffer.from(body)])
  return { status, answer: JSON.parse(Buffer.concat(parts).toString()) }
}

async function byObject(body) {
  let message
  try {
    message = parse(body)
  } catch {
    return BAD
  }
  try {
    return { status: 200, answer: await shazbot.shazbotGossipRequest(env.SHAZBOT_SECRET, message) }
  } catch (error) {
    const { code, status } = error
    if (code !== 'SHAZBOT_BAD_MESSAGE' || status !== 400) throw error
    return BAD
  }
}

const respond = path === 'raw' ? byBytes : byObject

async function answer({ bodies }) {
  const all = []
  for (const body of bodies) all.push({ ...(await respond(body)), lists: shazbot.shazbotGetServerList(true) })
  parentPort.postMessage(all)
}

for (const severity of ['log', 'warn', 'error']) console[severity] = () => {}
shazbot.shazbotStart().catch(() => {})
parentPort.on('message', answer)
