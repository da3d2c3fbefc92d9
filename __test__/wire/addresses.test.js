'use strict'

const { describe, test } = require('node:test')
const assert = require('node:assert/strict')
const { spawnSync } = require('node:child_process')
const { mkdtempSync, rmSync, writeFileSync } = require('node:fs')
const { tmpdir } = require('node:os')
const path = require('node:path')
const { createFakePeer } = require('../support/fake-peer')
const { createMasterListStore } = require('../support/master-list-store')
const { createScriptedServer } = require('../support/scripted-server')
const { freePort } = require('../support/ports')
const { startSubject } = require('../support/subject')
const { aWhileAgo, entry, isOnline } = require('../support/entries')
const { eventually } = require('../support/eventually')

const HOSTS =
  '127.0.0.1 localhost local.test\n0.0.0.0 everywhere.test me.test\n169.254.169.254 metadata.test\n'

/** Returns a command that runs another one with these hosts, in its own mount namespace. */
function withHosts(t) {
  const folder = mkdtempSync(path.join(tmpdir(), 'shazbot-hosts-'))
  t.after(() => rmSync(folder, { recursive: true }))
  const file = path.join(folder, 'hosts')
  writeFileSync(file, HOSTS)
  return [...UNSHARE, 'sh', '-c', 'mount --bind "$0" /etc/hosts && exec "$@"', file]
}

const UNSHARE = ['unshare', '--map-root-user', '--mount']

/** The reason why /etc/hosts cannot be replaced; undefined if it can. */
function whyNoHosts() {
  const [command, ...args] = [...UNSHARE, 'mount', '--bind', '/dev/null', '/etc/hosts']
  const { status, error, stderr } = spawnSync(command, args, { encoding: 'utf8' })
  return status === 0 ? undefined : `needs a mount namespace: ${error?.message ?? stderr.trim()}`
}

const QUIET = { SHAZBOT_GOSSIP_INTERVAL: '60' }

/** Spellings of 0.0.0.0 in every client, where anything on this machine would answer. */
const SPELLINGS = ['0.0.0.0', '0', '0x0', '00.0x0.0', '0x00000000', '[::]', '[::ffff:0.0.0.0]', '[0:0::0]']

const NOWHERE = [
  'http://169.254.169.254/',
  'http://2852039166/',
  'http://0xa9.0xfe.0xa9.0xfe/latest/',
  'http://[::ffff:a9fe:a9fe]/',
  'http://[fd00:ec2::254]/',
  'http://169.254.170.2/',
  'http://[fe80::1]/',
  'http://224.0.0.1/',
  'http://[ff02::1]/',
  'http://255.255.255.255/',
  'http://127.0.0.1:0/',
]

/** Starts two servers that listen on all addresses, name such a base URL, and know each other. */
async function startListeningEverywhere(t, baseUrlOf) {
  const store = await createMasterListStore(t)
  const env = { ...QUIET, SHAZBOT_MASTER_ANNOUNCE_MINIMUM: '1', SHAZBOT_MASTER_ANNOUNCE_INTERVAL: '0' }
  const start = async () => {
    const port = await freePort()
    const options = { store, env: { ...env, SHAZBOT_BASE_URL: baseUrlOf(port) }, port, host: '0.0.0.0' }
    return { baseUrl: baseUrlOf(port), ...(await startSubject(t, options)) }
  }
  return [await start(), await start()]
}

describe('wire: addresses that no server has', { concurrency: 6 }, () => {
  test('a claim about one is not shown, and nothing is sent there', async (t) => {
    const peer = await createFakePeer(t)
    const local = SPELLINGS.map((host) => `http://${host}:${peer.port}/`)
    const { app } = await startSubject(t, { servers: [peer.entry(aWhileAgo())], env: QUIET })
    await app.sendGossip({ online: [...local, ...NOWHERE].map((url) => entry(url)) })
    const list = await app.call('shazbotGetServerList', true)
    assert.deepEqual(list.online.map(({ baseUrl }) => baseUrl).sort(), [app.baseUrl, peer.baseUrl].sort())
    assert.deepEqual(list.offline, [])
    await eventually(() => app.output('stderr').includes('metadata service'), { what: 'a log' })
    assert.ok(peer.requests.every(({ headers }) => headers.host === `127.0.0.1:${peer.port}`))
  })

  test('a claim in the master list or in a response is treated likewise', async (t) => {
    const peer = await createFakePeer(t)
    peer.knows = NOWHERE.map((url) => entry(url))
    const servers = [peer.entry(aWhileAgo()), ...peer.knows]
    const { app } = await startSubject(t, { servers, env: QUIET })
    const list = await app.call('shazbotGetServerList', true)
    assert.deepEqual(list.online.map(({ baseUrl }) => baseUrl).sort(), [app.baseUrl, peer.baseUrl].sort())
  })

  test('a redirect to one is not followed, neither from a peer nor from the master list', async (t) => {
    const target = await createScriptedServer(t, () => ({ body: { online: [] } }))
    const Location = `http://0.0.0.0:${target.port}/`
    const redirector = await createScriptedServer(t, () => ({ status: 307, headers: { Location } }))
    const { app } = await startSubject(t, {
      servers: [entry(`${redirector.origin}/`, aWhileAgo())],
      env: { SHAZBOT_GOSSIP_INTERVAL: '1' },
    })
    await eventually(() => app.output('stderr').includes('where no server can be reached'), { what: 'a log' })
    const { app: other } = await startSubject(t, { store: { url: `${redirector.origin}/list` }, env: QUIET })
    await eventually(() => other.output('stderr').includes('where no server can be reached'), {
      what: 'a log',
    })
    assert.deepEqual(target.requests, [])
  })

  test('a host name that resolves to one is not contacted, not even by a redirect', {
    skip: whyNoHosts(),
  }, async (t) => {
    const inside = withHosts(t)
    const peer = await createFakePeer(t)
    const target = await createScriptedServer(t, () => ({ body: peer.list() }))
    const Location = `http://everywhere.test:${target.port}/`
    const redirector = await createScriptedServer(t, () => ({ status: 307, headers: { Location } }))
    const bad = [`http://everywhere.test:${target.port}/`, 'http://metadata.test/', `${redirector.origin}/`]
    const good = `http://local.test:${peer.port}/`
    const servers = [...bad, good].map((url) => entry(url, aWhileAgo()))
    const { app } = await startSubject(t, { servers, inside, env: QUIET })
    const failed = (url) => app.output('stderr').includes(`Failed to send gossip message to ${url}:`)
    await eventually(() => bad.every(failed), { what: 'the failures of all' })
    assert.equal(app.output('stderr').match(/where no server can be reached/g).length, bad.length)
    assert.deepEqual(target.requests, [])
    assert.ok(peer.requests.length > 0, 'the other name has been contacted')
  })

  test('addresses of its own host name are accepted from others', { skip: whyNoHosts() }, async (t) => {
    const inside = withHosts(t)
    const peer = await createFakePeer(t, { spelling: (url) => url.replace('127.0.0.1', 'everywhere.test') })
    const port = await freePort()
    const env = { ...QUIET, SHAZBOT_BASE_URL: `http://me.test:${port}/` }
    const { app } = await startSubject(t, { servers: [peer.entry(aWhileAgo())], inside, port, env })
    assert.ok(isOnline(await app.call('shazbotGetServerList'), peer.baseUrl))
    assert.ok(peer.gossips.length > 0)
  })

  test('a master list may be at any address', async (t) => {
    const store = await createMasterListStore(t)
    const url = store.url.replace('127.0.0.1', '0.0.0.0')
    const { app } = await startSubject(t, { store: { url }, env: QUIET })
    assert.equal(store.gets.length, 1)
    assert.equal(app.output('stderr'), '')
  })

  for (const host of ['0.0.0.0', '[::ffff:0.0.0.0]']) {
    test(`two servers of one machine with the host ${host} find each other, with a warning`, async (t) => {
      const both = await startListeningEverywhere(t, (port) => `http://${host}:${port}/`)
      for (const [one, other] of [both, both.toReversed()]) {
        await eventually(async () => isOnline(await one.app.call('shazbotGetServerList'), other.baseUrl), {
          what: 'the other server',
        })
        const warnings = one.app.lines.filter(({ text }) => text.includes('SHAZBOT_BASE_URL'))
        assert.equal(warnings.length, 1)
        assert.match(warnings[0].text, /where a server listens, not where it is reached/)
      }
      const [{ app }, { baseUrl }] = both
      await app.sendGossip({ online: [entry('http://169.254.169.254/')] })
      const list = await app.call('shazbotGetServerList')
      assert.ok(isOnline(list, baseUrl) && !isOnline(list, 'http://169.254.169.254/'))
    })
  }
})
