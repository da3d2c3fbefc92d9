'use strict'

/** The engine's own variables. */
const OWN_NAMES = [
  'SHAZBOT_SECRET',
  'SHAZBOT_CONTROL_SECRET',
  'SHAZBOT_MASTER_LIST',
  'SHAZBOT_MASTER_LIST_UPDATE',
  'SHAZBOT_MASTER_LIST_UPDATE_AUTH',
  'SHAZBOT_BASE_URL',
  'SHAZBOT_GOSSIP_INTERVAL',
  'SHAZBOT_PROBE_INTERVAL',
  'SHAZBOT_MASTER_ANNOUNCE_MINIMUM',
  'SHAZBOT_MASTER_ANNOUNCE_INTERVAL',
  'SHAZBOT_MONITOR',
  'SHAZBOT_UPDATE_MASTER_LIST_ON_SHUTDOWN',
  'SHAZBOT_LOG',
]

/** Those that Node's `fetch` obeys. */
const NAMES_OF_FETCH = [
  'NODE_EXTRA_CA_CERTS',
  'NODE_TLS_REJECT_UNAUTHORIZED',
  'NODE_USE_ENV_PROXY',
  'SSL_CERT_FILE',
  'SSL_CERT_DIR',
  'http_proxy',
  'HTTP_PROXY',
  'https_proxy',
  'HTTPS_PROXY',
  'no_proxy',
  'NO_PROXY',
]

/**
 * The variables that are set right now. They are read here and not in Rust because only JavaScript sees what a program,
 * a worker or a test runner has put into `process.env`.
 *
 * @returns {Record<string, string>}
 */
function readEnvironment() {
  const environment = {}
  for (const name of [...OWN_NAMES, ...NAMES_OF_FETCH]) {
    const value = process.env?.[name]
    // A plain object in its place, as test runners have it, does not turn numbers and flags into text.
    if (value !== undefined && value !== null) environment[name] = String(value)
  }
  return environment
}

/**
 * The names of variables that look like the engine's and are not, whatever stands in the place of `process.env`.
 *
 * @returns {string[]}
 */
function strayNames() {
  try {
    return Object.keys(process.env).filter(
      (name) => /^(?:CLUSTER)?SHAZBOT_/i.test(name) && !OWN_NAMES.includes(name),
    )
  } catch {
    return []
  }
}

module.exports = { readEnvironment, strayNames, OWN_NAMES }
