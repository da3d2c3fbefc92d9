'use strict'

/** Whether the warning about siblings has been logged. */
let hasWarned = false

/**
 * Whether PM2 runs this process behind the same URL as an instance with a lower number, which runs
 * what their server owns.
 */
function isFurtherInstance() {
  const instance = sharedInstance()
  return instance !== undefined && instance !== '0'
}

/** Warns once that each process behind this server's URL runs what the server owns. */
function warnAboutSiblings({ baseUrl }) {
  if (hasWarned || sharedInstance() !== undefined) return
  hasWarned = true
  const { readEnvironment } = require('../engine/environment.js')
  const { createLog } = require('../engine/logging.js')
  createLog(readEnvironment().SHAZBOT_LOG)(
    'warn',
    `Clustershazbot: several processes use the URL ${baseUrl}, and each of them runs what this server owns`,
  )
}

/**
 * The number of this instance in PM2's cluster mode, where all share a port and so a URL. Undefined
 * otherwise, and if PM2 counts up a variable such as the port for each instance.
 *
 * @returns {string | undefined}
 */
function sharedInstance() {
  const { pm_id, exec_mode, increment_var, instance_var = 'NODE_APP_INSTANCE' } = process.env
  if (pm_id === undefined || exec_mode !== 'cluster_mode' || increment_var) return undefined
  return process.env[instance_var]
}

module.exports = { isFurtherInstance, warnAboutSiblings }
