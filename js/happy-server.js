'use strict'

const { runsInOtherCopy } = require('./engine/package-copies.js')
const { shazbotGetServerList } = require('./requests/index.js')

/** How long a happy-server that is loaded later may take to create its extension point, in ms. */
const RETRY_DELAY_MS = 3000

/** Adds the cluster to happy-server's report if its extension point exists. */
function hookIn() {
  const extension = globalThis.happyServerExtension
  if (typeof extension !== 'object' || extension === null) return false
  try {
    extension.clustershazbot = report
  } catch {
    // An extension point that cannot be written is no reason to fail.
  }
  return true
}

/**
 * Hooks in now, or once more later if happy-server does not exist yet. The timer does not keep the
 * process alive.
 */
function hookInNowOrLater() {
  // If another copy of the package runs the engine, that copy reports. In a browser-like test
  // environment a timer is a number.
  if (runsInOtherCopy()) return
  if (!hookIn()) setTimeout(hookIn, RETRY_DELAY_MS).unref?.()
}

function report() {
  try {
    return { status: 'ok', cluster: shazbotGetServerList(true) }
  } catch (error) {
    if (error.code === 'SHAZBOT_NOT_STARTED') return { status: 'ok', cluster: undefined }
    return { status: 'error', error: error.message }
  }
}

module.exports = { hookIn, hookInNowOrLater }
