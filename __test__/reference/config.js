'use strict'

const REQUIRED = [
  'SHAZBOT_SECRET',
  'SHAZBOT_CONTROL_SECRET',
  'SHAZBOT_MASTER_LIST',
  'SHAZBOT_MASTER_LIST_UPDATE',
  'SHAZBOT_MASTER_LIST_UPDATE_AUTH',
  'SHAZBOT_BASE_URL',
]

/** FAULTS 17, 18, 19: only presence is checked, and nothing is trimmed. */
function readConfig() {
  for (const name of REQUIRED) {
    if (!process.env[name]) throw new Error(`Environment variable ${name} is required`)
  }
  const number = (name, byDefault) => Number.parseInt(process.env[name] || byDefault, 10)
  const flag = (name) => (process.env[name] || '').toLowerCase() === 'true'
  return {
    ...Object.fromEntries(REQUIRED.map((name) => [name, process.env[name]])),
    SHAZBOT_GOSSIP_INTERVAL: number('SHAZBOT_GOSSIP_INTERVAL', '30'),
    SHAZBOT_MASTER_ANNOUNCE_MINIMUM: number('SHAZBOT_MASTER_ANNOUNCE_MINIMUM', '300'),
    SHAZBOT_MASTER_ANNOUNCE_INTERVAL: number('SHAZBOT_MASTER_ANNOUNCE_INTERVAL', '600'),
    SHAZBOT_MONITOR: flag('SHAZBOT_MONITOR'),
    SHAZBOT_UPDATE_MASTER_LIST_ON_SHUTDOWN: flag('SHAZBOT_UPDATE_MASTER_LIST_ON_SHUTDOWN'),
  }
}

module.exports = { readConfig }
