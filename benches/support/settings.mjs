/** The settings to start this package or the reference peer. */
export const SECRET = 'secret'

const A_DAY = '86400'

/** The environment variables of a server with timers that do not fire, unless overridden. */
export function settings(overrides = {}) {
  return {
    SHAZBOT_SECRET: SECRET,
    SHAZBOT_CONTROL_SECRET: SECRET,
    SHAZBOT_MASTER_LIST: 'data:application/json,{"online":[]}',
    SHAZBOT_MASTER_LIST_UPDATE: 'http://127.0.0.1:9/',
    SHAZBOT_MASTER_LIST_UPDATE_AUTH: SECRET,
    SHAZBOT_BASE_URL: 'http://127.0.0.1:9/me/',
    SHAZBOT_GOSSIP_INTERVAL: A_DAY,
    SHAZBOT_MASTER_ANNOUNCE_MINIMUM: A_DAY,
    ...overrides,
  }
}
