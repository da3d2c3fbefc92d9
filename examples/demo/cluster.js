import { EventEmitter, once } from 'node:events'
import { Member } from './member.js'
import { freePorts } from './ports.js'
import { openStore } from './store.js'

const SECRET = 'demo-gossip'
const CONTROL_SECRET = 'demo-control'
const STORE_AUTHORIZATION = 'Bearer demo-store'

/**
 * The demo's servers and the store of their master list. Emits `change` when a server has changed.
 */
export class Cluster extends EventEmitter {
  controlSecret = CONTROL_SECRET

  static async create(names) {
    const store = await openStore({ authorization: STORE_AUTHORIZATION })
    const environment = {
      SHAZBOT_SECRET: SECRET,
      SHAZBOT_CONTROL_SECRET: CONTROL_SECRET,
      SHAZBOT_MASTER_LIST: store.url,
      SHAZBOT_MASTER_LIST_UPDATE: store.url,
      SHAZBOT_MASTER_LIST_UPDATE_AUTH: STORE_AUTHORIZATION,
      SHAZBOT_MASTER_ANNOUNCE_MINIMUM: '1',
      SHAZBOT_MASTER_ANNOUNCE_INTERVAL: '1',
      SHAZBOT_UPDATE_MASTER_LIST_ON_SHUTDOWN: 'true',
    }
    const ports = await freePorts(names.length)
    return new Cluster(
      store,
      names.map((name, index) => new Member(name, ports[index], environment)),
    )
  }

  constructor(store, members) {
    super()
    this.store = store
    this.members = members
    for (const member of members) member.on('change', () => this.emit('change'))
  }

  /** Returns each running server's own list; undefined for one that has told nothing yet. */
  view() {
    const running = this.members.filter((member) => member.running)
    return new Map(running.map((member) => [member, member.list]))
  }

  /** Resolves with true after the next change, or with false when the signal aborts. */
  changed(signal) {
    return once(this, 'change', { signal }).then(
      () => true,
      () => false,
    )
  }

  /** Whether the master list contains this server. */
  isListed(member) {
    const { online = [] } = this.store.list() ?? {}
    return online.some(({ baseUrl }) => baseUrl === member.url)
  }

  /**
   * Makes every server leave; resolves when all processes have ended, by themselves or at the
   * deadline.
   */
  async end(deadline = 20_000) {
    const killing = setTimeout(() => this.killAll(), deadline)
    await Promise.all(this.members.map((member) => member.leave()))
    clearTimeout(killing)
    this.store.close()
  }

  killAll() {
    for (const member of this.members) member.kill()
  }
}
