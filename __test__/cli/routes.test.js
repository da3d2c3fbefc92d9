'use strict'

/** The command line with the routes of the adapters. */

const assert = require('node:assert/strict')
const { describe, test } = require('node:test')
const { startAdapterCluster } = require('../support/adapter-cluster')
const { runCli, startCli } = require('../support/cli')
const { CONTROL_SECRET } = require('../support/environment')
const { eventually } = require('../support/eventually')
const { request } = require('../support/http')
const { createTcpProxy } = require('../support/tcp-proxy')

const READ_SECRET = 'read-secret-of-tests'
const ENV = { SHAZBOT_READ_SECRET: READ_SECRET }
const SETTINGS = { options: { watch: true }, env: ENV }

const written = (cli, count) =>
  eventually(() => cli.lines.length >= count, { what: `line ${count}: ${cli.stderr}` })

/** Waits until a watcher has told this of a server. */
const told = (cli, baseUrl, state) =>
  eventually(
    () =>
      cli.values
        .flatMap(({ news = [] }) => news)
        .some((piece) => piece.server.baseUrl === baseUrl && piece.state === state),
    { what: `${state} is told of ${baseUrl}` },
  )

/**
 * Waits until servers have exchanged messages with each other. One that was only on the master list
 * would be forgotten when it dies, rather than dead.
 */
const met = (...servers) =>
  eventually(
    async () => (await Promise.all(servers.map((server) => knowsAll(server, servers)))).every(Boolean),
    {
      what: 'they have met',
    },
  )

async function knowsAll({ baseUrl }, others) {
  const headers = { Authorization: READ_SECRET }
  const { json } = await request(`${baseUrl}clustershazbot/status`, { headers })
  const natives = json?.servers?.filter(({ state, language }) => state === 'online' && language === 'native')
  return natives?.length === others.length
}

describe('cli: the routes of an adapter', { concurrency: 2 }, () => {
  test('members and status of the status route', async (t) => {
    const servers = await startAdapterCluster(t, 3, SETTINGS)
    const [first, second, third] = servers
    await met(...servers)
    const members = await runCli(t, ['members', '--json', first.baseUrl], { env: ENV })
    assert.equal(members.code, 0, members.stderr)
    assert.equal(members.json.source, 'status')
    assert.deepEqual(
      members.json.servers.map(({ baseUrl }) => baseUrl).sort(),
      servers.map(({ baseUrl }) => baseUrl).sort(),
    )
    for (const server of members.json.servers) {
      assert.equal(server.state, 'online')
      assert.equal(server.language, 'native')
      assert.equal(server.self, server.baseUrl === first.baseUrl)
      assert.ok(Math.abs(server.since - Date.now()) < 60_000)
    }
    const status = await runCli(t, ['status', first.baseUrl], { env: ENV })
    assert.equal(status.code, 0, status.stderr)
    assert.match(
      status.stdout,
      /^version +\d+\.\d+\.\d+\nup for +\d+ s\nphase +running\nservers +3 online, 0 dead, 0 left\n/m,
    )

    await third.kill()
    const lines = await eventually(
      async () => {
        const { lines } = await runCli(t, ['members', '--offline', second.baseUrl], { env: ENV })
        return lines.at(-1).startsWith('2 online, 1 dead, 0 left') && lines
      },
      { what: 'the death is known' },
    )
    const row = lines.find((line) => line.startsWith(third.baseUrl))
    assert.match(row, /^\S+ {3}dead {5}\d+ s +(refused|rumour|silent) +native {2}\d+ s$/)
  })

  test('watch follows the stream, through a restart', async (t) => {
    const [first, second] = await startAdapterCluster(t, 2, SETTINGS)
    await met(first, second)
    const cli = startCli(t, ['watch', '--json', first.baseUrl], { env: ENV })
    await written(cli, 1)
    const [snapshot] = cli.values.filter(({ event }) => event === 'snapshot')
    assert.equal(snapshot.online, 2)
    await second.kill()
    await told(cli, second.baseUrl, 'dead')
    second.startAgain()
    await told(cli, second.baseUrl, 'online')
    await first.leave()
    await eventually(() => /shuts down; waiting/.test(cli.stderr), { what: 'the end is told' })
    first.startAgain()
    await eventually(() => /connected to \S+ again/.test(cli.stderr), { what: 'it is connected again' })
    await met(first, second)
    await second.kill()
    await eventually(
      () => cli.values.filter(({ news }) => news?.some(({ state }) => state === 'dead')).length === 2,
      { what: 'the second death is told' },
    )
    cli.kill('SIGINT')
    assert.deepEqual(await cli.exited, { code: 0, signal: null })
    assert.equal(cli.values.filter(({ event }) => event === 'snapshot').length, 1)
  })

  test('watch goes on where it was when the connection breaks', async (t) => {
    const [first, second] = await startAdapterCluster(t, 2, SETTINGS)
    await met(first, second)
    const proxy = await createTcpProxy(t, new URL(first.baseUrl).port)
    const cli = startCli(t, ['watch', '--json', `${proxy.origin}/`], { env: ENV })
    await written(cli, 1)
    proxy.cut()
    await eventually(() => /lost/.test(cli.stderr), { what: 'the loss is told' })
    await second.kill()
    await eventually(() => first.sees(1), { what: 'the death is known' })
    second.startAgain()
    await eventually(() => first.sees(2), { what: 'the return is known' })
    proxy.isOpen = true
    // A snapshot would not tell of it, since the server is online as before.
    await told(cli, second.baseUrl, 'dead')
    await told(cli, second.baseUrl, 'online')
    const news = cli.values.slice(1).flatMap(({ news = [] }) => news)
    const views = news.map(({ view }) => view)
    assert.deepEqual(
      views,
      [...new Set(views)].sort((one, other) => one - other),
      'each is told once, in order',
    )
  })

  test('need a secret, and a wrong one ends with 4', async (t) => {
    const [{ baseUrl }] = await startAdapterCluster(t, 1, SETTINGS)
    for (const command of ['members', 'status', 'watch']) {
      const { code, stderr } = await runCli(t, [command, baseUrl], { env: { SHAZBOT_READ_SECRET: 'wrong' } })
      assert.equal(code, 4, command)
      assert.match(stderr, /answered 401: .*\nSet SHAZBOT_CONTROL_SECRET/)
    }
    const without = await runCli(t, ['members', '--json', baseUrl])
    assert.deepEqual([without.code, without.json.source], [0, 'list'])
    const control = await runCli(t, ['members', '--json', baseUrl], {
      env: { SHAZBOT_CONTROL_SECRET: CONTROL_SECRET },
    })
    assert.deepEqual([control.code, control.json.source], [0, 'status'])
  })

  test('doctor finds nothing wrong', async (t) => {
    const [first] = await startAdapterCluster(t, 2, SETTINGS)
    const { code, stdout } = await runCli(t, ['doctor'], { env: first.variables })
    assert.equal(code, 0, stdout)
    assert.match(stdout, /^ok +secrets +The status route rejects a wrong secret with 401\.$/m)
    assert.match(stdout, /^ok +secrets +The read secret is right\.$/m)
    assert.match(stdout, /^0 wrong, 0 warnings; asked /m)
  })
})
