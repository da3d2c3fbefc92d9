'use strict'

/** What `doctor` finds about the master list. */

const assert = require('node:assert/strict')
const { describe, test } = require('node:test')
const { examine, startServer } = require('../support/doctor')
const { entry } = require('../support/entries')
const { UPLOAD_AUTH } = require('../support/environment')
const { createMasterListStore } = require('../support/master-list-store')
const { deadBaseUrl } = require('../support/ports')

describe('cli: doctor reads the master list', { concurrency: 3 }, () => {
  /** Examines a server whose master list is at this URL; resolves with the findings about it. */
  async function examineList(t, { url, auth = UPLOAD_AUTH }, updateUrl = url) {
    const { baseUrl } = await startServer(t)
    const env = {
      SHAZBOT_MASTER_LIST: url,
      SHAZBOT_MASTER_LIST_UPDATE: updateUrl,
      SHAZBOT_MASTER_LIST_UPDATE_AUTH: auth,
    }
    const { said } = await examine(t, baseUrl, env)
    return (outcome) => said('master list', outcome)
  }

  test('and leaves it as it is', async (t) => {
    const store = await createMasterListStore(t, { servers: [entry('http://127.0.0.1:9/', 5)] })
    const said = await examineList(t, store)
    assert.match(said('warning')[0], /has 1 server, but not the asked one\. The server adds itself/)
    assert.deepEqual(said('ok'), ['The store of the master list knows conditions.'])
    const [put] = store.puts
    assert.equal(put.headers.authorization, UPLOAD_AUTH)
    assert.equal(put.headers['if-match'], '"clustershazbot-doctor"')
    assert.deepEqual(store.servers, [entry('http://127.0.0.1:9/', 5)])
  })

  test('in a store without conditions', async (t) => {
    const servers = [entry('http://127.0.0.1:9/', 5)]
    const without = await createMasterListStore(t, { servers, etags: false })
    const said = await examineList(t, without)
    assert.match(said('warning')[1], /gives no strong ETag, .* Use a store with strong ETags/)
    assert.deepEqual(without.puts, [])
    const ignoring = await createMasterListStore(t, { servers })
    ignoring.onPut = ({ json }) => {
      ignoring.write(json.online)
      return { status: 200, body: '' }
    }
    const other = await examineList(t, ignoring)
    assert.match(other('warning')[1], /^The store of the master list ignores conditions\./)
    assert.deepEqual(ignoring.servers, servers)
  })

  test('that cannot be read or written', async (t) => {
    const missing = await createMasterListStore(t, { servers: null })
    const said = await examineList(t, missing)
    assert.match(said('warning')[0], /does not exist yet\. The first upload creates it/)
    assert.deepEqual(missing.puts, [])
    for (const [answer, expected] of [
      [{ status: 403, body: '' }, /answers 403\. Let servers read it/],
      [{ body: '<html>' }, /answers with a web page\./],
      [{ body: '{"online":' }, /something other than a list of servers/],
    ]) {
      const store = await createMasterListStore(t)
      store.onGet = () => answer
      assert.match((await examineList(t, store))('wrong')[0], expected)
      assert.deepEqual(store.puts, [])
    }
    const refused = await createMasterListStore(t)
    refused.onPut = () => ({ status: 403, body: '' })
    const other = await examineList(t, refused)
    assert.match(other('wrong')[0], /answers 403 to an upload\. Check SHAZBOT_MASTER_LIST_UPDATE and/)
    const dead = await examineList(t, { url: `${await deadBaseUrl()}list` })
    assert.match(dead('wrong')[0], /refused the connection/)
  })
})
