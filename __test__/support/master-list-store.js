'use strict'

const { createScriptedServer } = require('./scripted-server')

/**
 * A store of a master list: GET, PUT, strong ETags, If-Match and If-None-Match, like an object
 * store.
 *
 * Scripts: `store.onGet` and `store.onPut` receive the recorded request. They return a response
 * (see scripted-server.js), or undefined for the default one. `store.beforePut` is called before a
 * PUT is checked.
 *
 * @param {import('node:test').TestContext} t
 * @param {{servers?: object[] | null, etags?: boolean, port?: number}} [options] `servers: null`:
 * no list yet
 */
async function createMasterListStore(t, { servers = [], etags = true, ...where } = {}) {
  let version = 1

  const etag = () => `"v${version}"`

  function get() {
    if (store.servers === null) return { status: 404, body: 'Not found' }
    return { headers: etags ? { ETag: etag() } : {}, body: { online: store.servers } }
  }

  function put({ headers, json }) {
    const exists = store.servers !== null
    const ifMatch = headers['if-match']
    if (ifMatch !== undefined && !(exists && [etag(), '*'].includes(ifMatch)))
      return { status: 412, body: 'Changed' }
    if (headers['if-none-match'] === '*' && exists) return { status: 412, body: 'Exists' }
    store.write(json.online)
    return { status: exists ? 200 : 201, headers: etags ? { ETag: etag() } : {}, body: '' }
  }

  const server = await createScriptedServer(
    t,
    async (request) => {
      if (request.method === 'GET') return (await store.onGet?.(request)) ?? get()
      if (request.method !== 'PUT') return { status: 405, body: 'Method not allowed' }
      await store.beforePut?.(request)
      return (await store.onPut?.(request)) ?? put(request)
    },
    where,
  )

  const store = {
    requests: server.requests,
    servers,
    onGet: undefined,
    onPut: undefined,
    beforePut: undefined,
    get url() {
      return `${server.origin}/servers.json`
    },
    get port() {
      return server.port
    },
    get gets() {
      return server.requests.filter(({ method }) => method === 'GET')
    },
    get puts() {
      return server.requests.filter(({ method }) => method === 'PUT')
    },
    /** Stores a list as another writer. */
    write(list) {
      version++
      store.servers = list
    },
    open: () => server.open(),
    close: () => server.close(),
  }
  return store
}

module.exports = { createMasterListStore }
