'use strict'

/**
 * An engine in a worker that receives gossip messages. `{bodies}`, each with its `bytes` and maybe
 * the `payload` to sign, is answered with a list of `{status, answer, lists}`: the status and content
 * of each response, and the lists afterwards. With `workerData.path` `raw`, the bytes take the
 * adapters' path; with `objects`, they go through a body parser and the function. With `within`,
 * only messages answered within that many milliseconds after the start count.
 */

const { parentPort, workerData } = require('node:worker_threads')
const { parse } = require('./body-parser')
const { signPayload } = require('./native')
const signing = require('./signing')

const { env, path } = workerData
Object.assign(process.env, env)

const shazbot = require('../../js/index.js')
const { gossipRaw } = require('../../js/adapters/core/raw/raw.js')

const BAD = { status: 400 }
const STATUSES = { SHAZBOT_BAD_MESSAGE: 400, SHAZBOT_UNAUTHORIZED: 401 }

async function byBytes(authorization, bytes) {
  const { status, parts } = await gossipRaw(authorization, [bytes])
  return { status, answer: JSON.parse(Buffer.concat(parts.map((part) => Buffer.from(part))).toString()) }
}

async function byObject(authorization, bytes) {
  let message
  try {
    message = parse(bytes)
  } catch {
    return BAD
  }
  try {
    return { status: 200, answer: await shazbot.shazbotGossipRequest(authorization, message) }
  } catch (error) {
    const { code, status } = error
    if (status === undefined || STATUSES[code] !== status) throw error
    return { status }
  }
}

const respond = path === 'raw' ? byBytes : byObject

/** Resolves with what the engine's proof says, once its keys are derived. */
async function challenge() {
  const { nonce, header } = signing.challenge()
  const { proof } = await shazbot.shazbotListRequest(header)
  return signing.readProof(proof, nonce, env.SHAZBOT_SECRET)
}

async function exchange({ bytes, payload }, proof) {
  if (payload === undefined) return respond(env.SHAZBOT_SECRET, Buffer.from(bytes))
  const { header, open } = signPayload(payload, proof, env.SHAZBOT_SECRET)
  const { status, answer } = await respond(header, Buffer.from(bytes))
  return { status, answer: status === 200 ? { ...answer, v2: open(answer.v2) } : answer }
}

async function answer({ bodies, within = Number.POSITIVE_INFINITY }) {
  const proof = await challenge()
  const all = []
  for (const body of bodies) {
    const exchanged = await exchange(body, proof)
    const lists = shazbot.shazbotGetServerList(true)
    if (performance.now() - began > within) break
    all.push({ ...exchanged, lists })
  }
  parentPort.postMessage(all)
}

for (const severity of ['log', 'warn', 'error']) console[severity] = () => {}
const began = performance.now()
shazbot.shazbotStart().catch(() => {})
parentPort.on('message', answer)
