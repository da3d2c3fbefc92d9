'use strict'

/** The command line against servers of both versions. */

const assert = require('node:assert/strict')
const { describe, test } = require('node:test')
const { spawnApp } = require('../support/app')
const { runCli } = require('../support/cli')
const { aWhileAgo, entry, isOnline, urlsOf } = require('../support/entries')
const { CONTROL_SECRET, SECRET, environment } = require('../support/environment')
const { eventually } = require('../support/eventually')
const { createMasterListStore } = require('../support/master-list-store')
const { deadBaseUrl } = require('../support/ports')
const { ranking } = require('../support/rendezvous')
const { REFERENCE, startSubject } = require('../support/subject')

const ENV = { SHAZBOT_CONTROL_SECRET: CONTROL_SECRET }
const WRONG = { SHAZBOT_CONTROL_SECRET: 'quite another control secret' }

/** Starts two servers of version 2, the second one a monitor, and one of version 1. */
async function startCluster(t, env) {
  const store = await createMasterListStore(t)
  const { app: first } = await startSubject(t, { store, env })
  store.write([entry(first.baseUrl, aWhileAgo())])
  const { app: second } = await startSubject(t, { store, env: { SHAZBOT_MONITOR: 'true', ...env } })
  const legacy = await spawnApp(t, { modulePath: REFERENCE, env: environment(store) })
  const all = [first, second, legacy]
  await eventually(
    async () => (await Promise.all(all.map((app) => app.list()))).every(({ online }) => online.length === 3),
    {
      what: 'all see each other',
    },
  )
  return { first, second, legacy, all, urls: all.map(({ baseUrl }) => baseUrl).sort() }
}

describe('cli: a cluster of both versions', { concurrency: 2 }, () => {
  test('members lists it, whichever server is asked', async (t) => {
    const { all, second, urls } = await startCluster(t)
    for (const { baseUrl } of all) {
      const { code, lines, stderr } = await runCli(t, ['members', baseUrl])
      assert.deepEqual({ code, stderr }, { code: 0, stderr: '' })
      assert.match(lines[0], /^SERVER {19,21}STATE {4}SINCE {2}HOW {7}SPEAKS {3}NEWS$/)
      const rows = lines.slice(1, -1)
      assert.deepEqual(rows.map((row) => row.split(' ')[0]).sort(), urls)
      for (const row of rows) {
        const sign = row.startsWith(second.baseUrl) ? 'M' : ' '
        assert.match(row, new RegExp(`^\\S+/ +${sign} online {3}- {6}- {9}unknown {2}\\d+ s$`))
      }
      assert.equal(lines.at(-1), `3 online; asked ${baseUrl}`)
    }
  })

  test('members as JSON', async (t) => {
    const { all, second, urls } = await startCluster(t)
    for (const { baseUrl } of all) {
      const { code, json } = await runCli(t, ['members', '--json', '--offline', baseUrl], { env: ENV })
      assert.equal(code, 0)
      assert.deepEqual(Object.keys(json), ['asked', 'source', 'at', 'servers'])
      assert.equal(json.source, 'list')
      assert.ok(Math.abs(json.at - Date.now()) < 60_000)
      assert.deepEqual(urlsOf(json.servers), urls)
      for (const server of json.servers) {
        const { lastUpdate, ...others } = server
        assert.ok(lastUpdate > 0)
        assert.deepEqual(others, {
          baseUrl: server.baseUrl,
          monitor: server.baseUrl === second.baseUrl,
          state: 'online',
          since: null,
          cause: null,
          language: 'unknown',
          self: server.baseUrl === baseUrl,
        })
      }
    }
  })

  test('drain and resume, and what the other commands show of it', async (t) => {
    const { first, second } = await startCluster(t)
    const isSeen = async (online) => isOnline(await first.list(), second.baseUrl) === online
    const drained = await runCli(t, ['drain', second.baseUrl], { env: ENV })
    assert.deepEqual(drained, {
      code: 0,
      stdout: `${second.baseUrl} is drained.\n`,
      stderr: '',
      lines: [`${second.baseUrl} is drained.`],
      json: undefined,
    })
    await eventually(() => isSeen(false), { what: 'the drain is known' })
    const members = await runCli(t, ['members', '--offline', first.baseUrl], { env: ENV })
    assert.match(members.stdout, new RegExp(`^${second.baseUrl} M offline {2}- `, 'm'))
    assert.match(members.stdout, /^2 online, 1 offline; asked /m)
    const status = await runCli(t, ['status', second.baseUrl], { env: ENV })
    assert.equal(status.code, 1)
    assert.match(status.stdout, /^phase +drained$/m)
    assert.match(status.stdout, /^servers +2 online, 1 offline$/m)
    const resumed = await runCli(t, ['resume', second.baseUrl, '--json'], { env: ENV })
    assert.deepEqual([resumed.code, resumed.json], [0, { asked: second.baseUrl, online: true }])
    await eventually(() => isSeen(true), { what: 'the return is known' })
    const running = await runCli(t, ['status', second.baseUrl, '--json'], { env: ENV })
    assert.deepEqual([running.code, running.json.phase, running.json.isolated], [0, 'running', null])
  })

  test('drain reaches version 1 too', async (t) => {
    const { legacy } = await startCluster(t)
    assert.equal((await runCli(t, ['drain', legacy.baseUrl, '--json'], { env: ENV })).code, 0)
    assert.equal((await runCli(t, ['resume', legacy.baseUrl, '--json'], { env: ENV })).code, 0)
  })

  test('a wrong secret ends with 4', async (t) => {
    const { first, legacy } = await startCluster(t)
    for (const { baseUrl } of [first, legacy]) {
      for (const args of [['drain'], ['resume'], ['members', '--offline']]) {
        const { code, stdout, stderr } = await runCli(t, [...args, baseUrl], { env: WRONG })
        assert.deepEqual({ code, stdout }, { code: 4, stdout: '' }, `${args} ${baseUrl}`)
        assert.match(stderr, /\nSet SHAZBOT_CONTROL_SECRET to that of /)
      }
      // The list of online servers is open.
      assert.equal((await runCli(t, ['members', baseUrl], { env: WRONG })).code, 0)
    }
    assert.ok(isOnline(await first.list(), first.baseUrl))
  })

  test('owner agrees with clustershazbot/owners', async (t) => {
    const { all, urls } = await startCluster(t)
    for (const key of ['', 'session:1', 'größe 😀', '-x', '\ud83d']) {
      const ranked = ranking(urls, key)
      for (const { baseUrl } of all) {
        const { code, json } = await runCli(t, ['owner', '--json', '--', key, baseUrl])
        assert.equal(code, 0)
        assert.deepEqual([json.owner.baseUrl, ...json.next], ranked, key)
        assert.deepEqual(Object.keys(json), ['asked', 'key', 'owner', 'next'])
      }
    }
    const [owner, ...next] = ranking(urls, 'a key')
    const { lines } = await runCli(t, ['owner', 'a key', all[0].baseUrl])
    assert.deepEqual(lines, [owner, `next: ${next.join(', ')}`, `3 online; asked ${all[0].baseUrl}`])
  })

  test('views finds that all say the same', async (t) => {
    const { all, urls } = await startCluster(t)
    for (const { baseUrl } of all) {
      const { code, json } = await runCli(t, ['views', '--json', baseUrl])
      assert.equal(code, 0)
      const groups = [{ servers: urls, online: urls, missing: [] }]
      assert.deepEqual(json, { asked: baseUrl, same: true, groups, failed: [], complete: true })
    }
    const { lines } = await runCli(t, ['views', urls[0]])
    assert.deepEqual(lines, [
      '3 servers see the same 3 online:',
      ...urls.map((url) => `  ${url}`),
      `3 servers asked, 1 view; started at ${urls[0]}`,
    ])
  })
})

describe('cli: private lists', { concurrency: 2 }, () => {
  const PRIVATE = { SHAZBOT_LIST: 'secret' }

  async function startPrivate(t) {
    const store = await createMasterListStore(t)
    const { app: first } = await startSubject(t, { store, env: PRIVATE })
    store.write([entry(first.baseUrl, aWhileAgo())])
    const { app: second } = await startSubject(t, { store, env: PRIVATE })
    await eventually(async () => (await first.list()).online.length === 2, { what: 'they see each other' })
    return [first.baseUrl, second.baseUrl]
  }

  test('need a secret', async (t) => {
    const [baseUrl] = await startPrivate(t)
    for (const args of [['members'], ['status'], ['views'], ['owner', 'key'], ['watch'], ['doctor']]) {
      const { code, stdout, stderr } = await runCli(t, [...args, baseUrl])
      assert.equal(code, 4, `${args}: ${stderr}`)
      assert.match(stdout + stderr, /Set SHAZBOT_CONTROL_SECRET/)
    }
    for (const env of [ENV, { SHAZBOT_SECRET: SECRET }]) {
      const { code, json } = await runCli(t, ['members', '--json', baseUrl], { env })
      assert.equal(code, 0)
      assert.equal(json.servers.length, 2)
    }
  })

  test('are signed for by views', async (t) => {
    const urls = await startPrivate(t)
    for (const env of [ENV, { SHAZBOT_SECRET: SECRET }]) {
      const { code, stdout } = await runCli(t, ['views', urls[0]], { env })
      assert.equal(code, 0, stdout)
      assert.match(stdout, /^2 servers see the same 2 online:$/m)
    }
  })
})

test('cli: a key without any server online has no owner', async (t) => {
  const { app } = await startSubject(t)
  await app.drain()
  const { code, stderr } = await runCli(t, ['owner', 'key', app.baseUrl])
  assert.equal(code, 1)
  assert.match(stderr, /sees no server online, so nobody owns the key\.\n/)
})

test('cli: a server that died stays on the list of the offline', async (t) => {
  const { app } = await startSubject(t)
  const dead = await deadBaseUrl()
  await app.sendGossip({ online: [], offline: [entry(dead)] })
  const { json } = await runCli(t, ['members', '--json', '--offline', app.baseUrl], { env: ENV })
  assert.deepEqual(
    json.servers.map(({ baseUrl, state }) => [baseUrl, state]),
    [
      [app.baseUrl, 'online'],
      [dead, 'offline'],
    ],
  )
})
