'use strict'

/**
 * An engine in a worker whose gossip requests come in as text: `{text}` is answered by `{lists}`, all that is shown then.
 */

const { parentPort, workerData } = require('node:worker_threads')
const addon = require('../../binding.js')
const { gossipRaw, listRaw } = require('../../js/adapters/raw.js')

const SHAZBOT = { ...workerData.env }

async function answer({ text }) {
  const { status } = await gossipRaw(SHAZBOT.SHAZBOT_SECRET, [Buffer.from(text)])
  const { parts } = await listRaw(SHAZBOT.SHAZBOT_CONTROL_SECRET)
  parentPort.postMessage({ status, lists: JSON.parse(Buffer.concat(parts).toString()) })
}

addon.start(SHAZBOT, () => {})
parentPort.on('message', answer)
