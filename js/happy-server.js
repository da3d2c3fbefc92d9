'use strict'

const { runsInOtherCopy } = require('./engine/package-copies.js')

/**
 * Adds the cluster to happy-server's report. Returns whether its extension point exists.
 *
 * @param {(includeOffline: boolean) => object} getServerList
 */
function hookIn(getServerList) {
  const extension = globalThis.happyServerExtension
  if (typeof extension !== 'object' || extension === null) return false
  try {
    extension.clustershazbot = () => report(getServerList)
  } catch {
    // An extension point that cannot be written is no reason to fail.
  }
  return true
}

/** The same, unless another copy of the package runs the engine: then that copy reports. */
function hookInAtLoad(getServerList) {
  return runsInOtherCopy() || hookIn(getServerList)
}

function report(getServerList) {
  try {
    return { status: 'ok', cluster: getServerList(true) }
  } catch (error) {
    if (error.code === 'SHAZBOT_NOT_STARTED') return { status: 'ok', cluster: undefined }
    return { status: 'error', error: error.message }
  }
}

module.exports = { hookIn, hookInAtLoad }
