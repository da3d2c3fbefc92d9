'use strict'

/** The engine's own variables. */
const ENGINE_NAMES = [
  'SHAZBOT_SECRET',
  'SHAZBOT_SECRET_FILE',
  'SHAZBOT_SECRET_PREVIOUS',
  'SHAZBOT_SECRET_PREVIOUS_FILE',
  'SHAZBOT_CONTROL_SECRET',
  'SHAZBOT_CONTROL_SECRET_FILE',
  'SHAZBOT_CONTROL_SECRET_PREVIOUS',
  'SHAZBOT_CONTROL_SECRET_PREVIOUS_FILE',
  'SHAZBOT_READ_SECRET',
  'SHAZBOT_READ_SECRET_FILE',
  'SHAZBOT_READ_SECRET_PREVIOUS',
  'SHAZBOT_READ_SECRET_PREVIOUS_FILE',
  'SHAZBOT_MASTER_LIST',
  'SHAZBOT_MASTER_LIST_UPDATE',
  'SHAZBOT_MASTER_LIST_UPDATE_AUTH',
  'SHAZBOT_MASTER_LIST_UPDATE_AUTH_FILE',
  'SHAZBOT_BASE_URL',
  'SHAZBOT_GOSSIP_INTERVAL',
  'SHAZBOT_PROBE_INTERVAL',
  'SHAZBOT_MAX_SERVERS',
  'SHAZBOT_MASTER_ANNOUNCE_MINIMUM',
  'SHAZBOT_MASTER_ANNOUNCE_INTERVAL',
  'SHAZBOT_MONITOR',
  'SHAZBOT_UPDATE_MASTER_LIST_ON_SHUTDOWN',
  'SHAZBOT_ALLOW',
  'SHAZBOT_LEGACY',
  'SHAZBOT_LIST',
  'SHAZBOT_LOG',
  'SHAZBOT_TLS_CERT',
  'SHAZBOT_TLS_KEY',
  'SHAZBOT_TLS_CA',
]

/** The variables that Node's `fetch` respects. */
const FETCH_NAMES = [
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
 * Reads the variables that are set now. Rust cannot read them, because only JavaScript sees what a
 * program, a worker or a test runner has put into `process.env`.
 *
 * @returns {Record<string, string>}
 */
function readEnvironment() {
  const environment = {}
  for (const name of [...ENGINE_NAMES, ...FETCH_NAMES]) {
    const value = process.env?.[name]
    // Test runners may replace it with a plain object, which does not convert values to strings.
    if (value !== undefined && value !== null) environment[name] = String(value)
  }
  return environment
}

/**
 * Returns the names of variables that resemble the engine's, even if `process.env` was replaced.
 *
 * @returns {string[]}
 */
function unknownNames() {
  try {
    return Object.keys(process.env).filter(
      (name) => /^(?:CLUSTER)?SHAZBOT_/i.test(name) && !ENGINE_NAMES.includes(name),
    )
  } catch {
    return []
  }
}

module.exports = { readEnvironment, unknownNames, ENGINE_NAMES }
