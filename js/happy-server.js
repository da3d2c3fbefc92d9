'use strict'

const { runsElsewhere } = require('./engine/copies.js')
const { shazbotGetServerList } = require('./requests/index.js')

/** How long a happy-server that is loaded later may take to put up its extension point. */
const SECOND_ATTEMPT_MS = 3000

/** Adds the cluster to happy-server's report if its extension point is there. */
function hookIntoHappyServer() {
  const extension = globalThis.happyServerExtension
  if (typeof extension !== 'object' || extension === null) return false
  try {
    extension.clustershazbot = report
  } catch {
    // An extension point that takes nothing in is no reason to fail.
  }
  return true
}

/** Hooks in now or, if happy-server is not there yet, once more a little later, without holding the process for it. */
function hookIntoHappyServerSoon() {
  // In a browser-like test environment a timer is a number.
  // The copy of the package that runs the engine has more to report.
  if (runsElsewhere()) return
  if (!hookIntoHappyServer()) setTimeout(hookIntoHappyServer, SECOND_ATTEMPT_MS).unref?.()
}

function report() {
  try {
    return { status: 'ok', cluster: shazbotGetServerList(true) }
  } catch (error) {
    if (error.code === 'SHAZBOT_NOT_STARTED') return { status: 'ok', cluster: undefined }
    return { status: 'error', error: error.message }
  }
}

module.exports = { hookIntoHappyServer, hookIntoHappyServerSoon }
