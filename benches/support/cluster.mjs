/** The claims of the servers of peers.mjs about each other. */

/** The age of all initial stamps, in ms. */
const AGE = 3_600_000

export class Cluster {
  /** @param {{ address: string, servers: number, stamp: number, incarnation: number }} peers */
  constructor({ address, servers, stamp, incarnation }) {
    Object.assign(this, { address, servers, stamp, incarnation })
    this.stamps = new Array(servers).fill(stamp)
  }

  /** The values that peers.mjs receives. */
  static moment() {
    const stamp = Date.now() - AGE
    return { stamp, incarnation: Math.floor(stamp / 1_000) }
  }

  legacyUrl(index) {
    return `${this.address}legacy/a/path/of/some/length/${index}/`
  }

  nativeUrl(index) {
    return `${this.address}native/${this.servers}/a/path/of/length/${index}/`
  }

  entry(index) {
    return { baseUrl: this.legacyUrl(index), monitor: false, lastUpdate: this.stamps[index] }
  }

  /** Returns all entries, in order. */
  entries() {
    return Array.from({ length: this.servers }, (_, index) => this.entry(index))
  }

  /** Refreshes the stamp of every server, or of one in `oneOf`. */
  refresh(oneOf) {
    const first = Math.floor(Math.random() * Math.min(oneOf, this.servers))
    for (let index = first; index < this.servers; index += oneOf) this.stamps[index] += 1
  }

  claim(index) {
    return [this.nativeUrl(index), 'alive', this.incarnation, this.stamp, 0]
  }

  /** Returns the message of a native server, with `more` in its extension. */
  nativeMessage(more) {
    const v2 = { me: this.claim(0), id: 'f00d', kind: 'probe', living: 1, hash: '0', ...more }
    return { message: 'gossip', online: [], offline: [], v2 }
  }

  /** Returns a master list from which a server learns of all. */
  nativeMasterList() {
    const first = { baseUrl: this.nativeUrl(0), monitor: false, lastUpdate: this.stamp }
    return `data:application/json,${encodeURIComponent(JSON.stringify({ online: [first] }))}`
  }
}

/** Returns the text of a message with these online entries. */
export function message(online) {
  return JSON.stringify({ message: 'gossip', online, offline: [] })
}

/** Returns the list in random order. */
export function shuffled(list) {
  const copy = [...list]
  for (let i = copy.length - 1; i > 0; i--) {
    const j = Math.floor(Math.random() * (i + 1))
    ;[copy[i], copy[j]] = [copy[j], copy[i]]
  }
  return copy
}
