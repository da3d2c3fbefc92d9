'use strict'

const { createScriptedServer } = require('./scripted-server')
const { entry } = require('./entries')

/**
 * A server of the cluster in the test process. It answers gossip and list requests like a healthy
 * peer, unless scripted, and records every request.
 *
 * Scripts: `peer.onGossip`, `peer.onList` and `peer.onControl` receive the recorded request. They
 * return a response (see scripted-server.js), or undefined for the healthy one. `peer.knows` and
 * `peer.buried` are its claims about others.
 *
 * @param {import('node:test').TestContext} t
 * @param {{spelling?: (url: string) => string, monitor?: boolean, host?: string, port?: number, listen?: boolean}} [options]
 *   `spelling` turns the base URL into the peer's own spelling
 */
async function createFakePeer(t, { spelling = (url) => url, monitor = false, ...where } = {}) {
  const gates = new Map()

  const server = await createScriptedServer(t, (request) => answer(peer, gates, request), where)
  const peer = {
    requests: server.requests,
    knows: [],
    buried: [],
    /** False: it lists itself as offline, like a drained server. */
    online: true,
    onGossip: undefined,
    onList: undefined,
    onControl: undefined,
    healthyGossip: () => ({ body: { message: 'gossip', ...peer.list() } }),
    healthyList: () => ({ body: peer.list() }),
    /** Receives a gossip request before it is held or answered. */
    receive: () => {},
    /** Completes the answer to a gossip request, scripted or healthy. */
    respond: (_request, answer) => answer,
    get baseUrl() {
      return spelling(`${server.origin}/`)
    },
    get port() {
      return server.port
    },
    entry: (lastUpdate) => ({ ...entry(peer.baseUrl, lastUpdate), monitor }),
    list() {
      const own = [peer.entry()]
      const [online, offline] = peer.online ? [own, []] : [[], own]
      return { online: [...online, ...peer.knows], offline: [...offline, ...peer.buried] }
    },
    /** The gossip messages that it received, oldest first, as recorded requests. */
    get gossips() {
      return server.requests.filter((request) => kindOf(request) === 'gossip')
    },
    /** The control requests that it received, oldest first. */
    get controls() {
      return server.requests.filter((request) => kindOf(request) === 'control')
    },
    /** The list requests that it received, challenges included. */
    get listRequests() {
      return server.requests.filter((request) => kindOf(request) === 'list')
    },
    /**
     * Delays the responses to one kind ('gossip' or 'list') until the returned function is called.
     */
    hold(kind) {
      let open
      const opened = new Promise((resolve) => {
        open = resolve
      })
      gates.set(kind, { opened })
      return () => {
        gates.delete(kind)
        open()
      }
    },
    open: () => server.open(),
    close: () => server.close(),
  }
  return peer
}

async function answer(peer, gates, request) {
  const kind = kindOf(request)
  if (kind === 'gossip') peer.receive(request)
  await gates.get(kind)?.opened
  if (kind === 'gossip') {
    return peer.respond(request, (await peer.onGossip?.(request)) ?? peer.healthyGossip(request))
  }
  if (kind === 'list') return peer.onList?.(request) ?? peer.healthyList(request)
  if (kind === 'control') return peer.onControl?.(request) ?? { body: { success: true } }
  return { status: 404, body: 'Not found' }
}

function kindOf({ method, path }) {
  if (method === 'POST' && path.endsWith('/clustershazbot/gossip')) return 'gossip'
  if (method === 'GET' && path.endsWith('/clustershazbot/list')) return 'list'
  if (method === 'POST' && path.endsWith('/clustershazbot/control')) return 'control'
  return 'other'
}

/**
 * Many healthy servers behind one port, with different paths in their base URLs.
 *
 * @returns {Promise<{members: {baseUrl: string}[], gossips: {baseUrl: string, request: object}[],
 *   entries: (lastUpdate?: number) => object[]}>} `gossips` in the order of arrival
 */
async function createPeers(t, size) {
  const server = await createScriptedServer(t, (request) => {
    const own = [entry(baseUrlOf(request))]
    if (kindOf(request) === 'gossip') return { body: { message: 'gossip', online: own, offline: [] } }
    if (kindOf(request) === 'list') return { body: { online: own, offline: [] } }
    return { status: 404, body: 'Not found' }
  })
  const baseUrlOf = ({ path }) => `${server.origin}/${path.split('/')[1]}/`
  const members = Array.from({ length: size }, (_, i) => ({
    baseUrl: `${server.origin}/member-${String(i).padStart(5, '0')}/`,
  }))
  return {
    members,
    entries: (lastUpdate) => members.map(({ baseUrl }) => entry(baseUrl, lastUpdate)),
    get gossips() {
      const gossips = server.requests.filter((request) => kindOf(request) === 'gossip')
      return gossips.map((request) => ({ baseUrl: baseUrlOf(request), request }))
    },
  }
}

module.exports = { createFakePeer, createPeers }
