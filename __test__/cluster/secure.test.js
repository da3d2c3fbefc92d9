'use strict'

const assert = require('node:assert/strict')
const { mkdtempSync, rmSync, writeFileSync } = require('node:fs')
const { tmpdir } = require('node:os')
const path = require('node:path')
const { describe, test } = require('node:test')
const { startProgram } = require('../apps/support/program')
const { certificate, fixture, readFixture } = require('../support/certificates')
const { aWhileAgo, entry, isOffline, isOnline } = require('../support/entries')
const { CONTROL_SECRET } = require('../support/environment')
const { eventually, throughout } = require('../support/eventually')
const { request } = require('../support/http')
const { createMasterListStore } = require('../support/master-list-store')
const { freePort } = require('../support/ports')

const PROGRAM = path.join(__dirname, '..', 'fixtures', 'secure-server.js')
const OPERATOR = certificate('issued', { rejectUnauthorized: false })

/** A file with the authorities of client certificates. */
function authoritiesFile(t) {
  const folder = mkdtempSync(path.join(tmpdir(), 'clustershazbot-tls-'))
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  const file = path.join(folder, 'ca.pem')
  writeFileSync(file, Buffer.concat([readFixture('ca.pem'), readFixture('other-host.pem')]))
  return file
}

/**
 * Starts a server whose routes require a client certificate that is valid for the sender's host.
 *
 * @param {string} [shown] the fixture that it shows to others as a client; none by default
 */
async function startSecure(t, { store, shown }) {
  const baseUrl = `https://127.0.0.1:${await freePort()}/`
  const key = fixture('test-only.key.pem')
  const env = {
    ADAPTER: JSON.stringify({ requireClientCertificate: true, matchHost: true }),
    SERVER_CERT: fixture('issued.pem'),
    SERVER_KEY: key,
    SERVER_CA: authoritiesFile(t),
    SHAZBOT_BASE_URL: baseUrl,
    SHAZBOT_TLS_CA: fixture('ca.pem'),
    ...(shown && { SHAZBOT_TLS_CERT: fixture(`${shown}.pem`), SHAZBOT_TLS_KEY: key }),
  }
  const program = await startProgram(t, [PROGRAM], { store, env })
  const list = async () => {
    const headers = { Authorization: CONTROL_SECRET }
    const answer = await request(`${baseUrl}clustershazbot/list`, { headers, secure: OPERATOR }).catch(
      () => ({}),
    )
    return answer.json ?? {}
  }
  await eventually(async () => isOnline(await list(), baseUrl), { what: 'a response' })
  return { baseUrl, list, program }
}

describe('a cluster that requires client certificates', { concurrency: true }, () => {
  test('servers with one find each other, and learn of a death', async (t) => {
    const store = await createMasterListStore(t)
    const first = await startSecure(t, { store, shown: 'issued' })
    store.write([entry(first.baseUrl, aWhileAgo())])
    const second = await startSecure(t, { store, shown: 'issued' })
    await eventually(async () => isOnline(await second.list(), first.baseUrl), {
      what: 'the second sees the first',
    })
    await eventually(async () => isOnline(await first.list(), second.baseUrl), {
      what: 'the first sees the second',
    })
    await second.program.kill()
    await eventually(async () => isOffline(await first.list(), second.baseUrl), {
      within: 60_000,
      what: 'the first learns of the death',
    })
  })

  for (const [what, shown] of Object.entries({
    'without one': undefined,
    'with one of an unknown authority': 'self-signed',
    'with one for another host': 'other-host',
  })) {
    test(`a server ${what} is not let in`, async (t) => {
      const store = await createMasterListStore(t)
      const inside = await startSecure(t, { store, shown: 'issued' })
      store.write([entry(inside.baseUrl, aWhileAgo())])
      const outside = await startSecure(t, { store, shown })
      const isKnown = async () => {
        const list = await inside.list()
        return isOnline(list, outside.baseUrl) || isOffline(list, outside.baseUrl)
      }
      await eventually(() => outside.program.output.includes(inside.baseUrl), {
        what: 'a log of the refusal',
      })
      await throughout(async () => !(await isKnown()), { lasting: 1_000, what: 'it is unknown inside' })
      assert.match(outside.program.output, /Failed to send gossip message/)
    })
  }
})
