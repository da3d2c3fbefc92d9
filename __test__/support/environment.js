'use strict'

const SECRET = 'gossip-secret-of-tests'
const CONTROL_SECRET = 'control-secret-of-tests'
const UPLOAD_AUTH = 'Bearer upload-token'

/**
 * The environment variables of one server, by default with fast gossip and without announcements.
 *
 * @param {{url: string}} store the master-list store
 * @param {Record<string, string | undefined>} [overrides] variables by name; `undefined` removes
 * one
 */
function environment(store, overrides = {}) {
  const variables = {
    SHAZBOT_SECRET: SECRET,
    SHAZBOT_CONTROL_SECRET: CONTROL_SECRET,
    SHAZBOT_MASTER_LIST: store.url,
    SHAZBOT_MASTER_LIST_UPDATE: store.url,
    SHAZBOT_MASTER_LIST_UPDATE_AUTH: UPLOAD_AUTH,
    SHAZBOT_GOSSIP_INTERVAL: '1',
    ...overrides,
  }
  return Object.fromEntries(Object.entries(variables).filter(([, value]) => value !== undefined))
}

/** This process's environment without the variables that tests set. */
function cleanEnvironment() {
  const isOurs = (name) => name.startsWith('SHAZBOT_') || name === 'NODE_TEST_CONTEXT'
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !isOurs(name)))
}

module.exports = { environment, cleanEnvironment, SECRET, CONTROL_SECRET, UPLOAD_AUTH }
