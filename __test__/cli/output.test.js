'use strict'

/** What the command line writes, and how it reads streams. */

const assert = require('node:assert/strict')
const http = require('node:http')
const { networkInterfaces } = require('node:os')
const { describe, test } = require('node:test')
const { styleText } = require('node:util')
const { readEvents } = require('../../js/cli/http/event-stream')
const { painter } = require('../../js/cli/output/colours')
const { formatDuration } = require('../../js/cli/output/durations')
const { runCli, startCli } = require('../support/cli')
const { createScriptedServer } = require('../support/scripted-server')

const NOW = Date.now()
const SECOND = 1_000
const DAY = 86_400 * SECOND

/** Characters that break a line, control a terminal, or change the reading direction. */
const HARMFUL = /[^\P{Cc}\n]|[\p{Cf}\u2028\u2029]/u

/** The status of the server in the documents. */
const STATUS = {
  phase: 'running',
  isolated: false,
  siblings: false,
  view: 42,
  online: 2,
  suspects: 1,
  dead: 1,
  left: 0,
  quietFor: 2_000,
  lag: 1.4,
  version: '2.1.0',
  uptime: 3 * DAY,
  disagreeing: 0.0625,
  baseUrl: 'http://10.0.0.7:3000/',
  servers: [
    server(9, 'dead', { since: 14.5, cause: 'refused', news: 14.5 }),
    server(8, 'suspect', { since: 2.5, cause: 'silent', news: 9.5, monitor: true }),
    server(7, 'online', { since: 3 * 86_400 + 60, cause: 'control', news: 1.5 }),
  ],
}

function server(number, state, { since, cause, news, monitor = false }) {
  return {
    baseUrl: `http://10.0.0.${number}:3000/`,
    monitor,
    lastUpdate: NOW - news * SECOND,
    state,
    since: NOW - since * SECOND,
    cause,
    language: 'native',
  }
}

/** Starts a server with a status; its times are those of now. */
async function startServer(t, change = {}) {
  const later = (time) => time + Date.now() - NOW
  const { origin } = await createScriptedServer(t, ({ path }) => {
    if (!path.endsWith('/status')) return { status: 404, body: '' }
    const servers = STATUS.servers.map((server) => {
      return { ...server, since: later(server.since), lastUpdate: later(server.lastUpdate) }
    })
    return { body: { ...STATUS, servers, ...change } }
  })
  return `${origin}/`
}

describe('cli: output', { concurrency: 4 }, () => {
  test('members of a server with a status', async (t) => {
    const baseUrl = await startServer(t)
    const { code, stdout } = await runCli(t, ['members', baseUrl, '--offline'])
    assert.equal(code, 0)
    assert.equal(
      stdout,
      [
        'SERVER                  STATE    SINCE  HOW       SPEAKS  NEWS',
        'http://10.0.0.7:3000/   online   3 d    -         native  1 s',
        'http://10.0.0.8:3000/ M suspect  2 s    silent    native  9 s',
        'http://10.0.0.9:3000/   dead     14 s   refused   native  14 s',
        `2 online (1 suspect), 1 dead, 0 left; asked ${baseUrl}`,
        '',
      ].join('\n'),
    )
    const online = await runCli(t, ['members', baseUrl])
    assert.equal(online.lines.length, 4)
  })

  test('members of a server with a status, as JSON', async (t) => {
    const baseUrl = await startServer(t)
    const { json } = await runCli(t, ['members', baseUrl, '--offline', '--json'])
    assert.equal(json.source, 'status')
    const { since, lastUpdate, ...second } = json.servers[1]
    assert.ok(since < lastUpdate + 10 * SECOND)
    assert.deepEqual(second, {
      baseUrl: 'http://10.0.0.8:3000/',
      monitor: true,
      state: 'suspect',
      cause: 'silent',
      language: 'native',
      self: false,
    })
  })

  test('status', async (t) => {
    const baseUrl = await startServer(t)
    const { code, lines } = await runCli(t, ['status', baseUrl])
    assert.equal(code, 0)
    assert.deepEqual(lines, [
      `asked     ${baseUrl}`,
      'version   2.1.0',
      'up for    3 d',
      'phase     running',
      'servers   2 online (1 suspect), 1 dead, 0 left',
      'isolated  no',
      'siblings  no',
      'differ    6 % of the latest answers',
      'view      42, without news for 2 s',
      'lag       1 ms',
    ])
    const { json } = await runCli(t, ['status', baseUrl, '--json'])
    const { servers, ...rest } = STATUS
    assert.deepEqual(json, { asked: baseUrl, source: 'status', ...rest })
  })

  test('status ends with 1 while something is wrong', async (t) => {
    for (const change of [
      { isolated: true },
      { phase: 'drained' },
      { phase: 'leaving' },
      { phase: 'starting' },
    ]) {
      const { code } = await runCli(t, ['status', await startServer(t, change)])
      assert.equal(code, 1, JSON.stringify(change))
    }
  })

  test('a status that needs another login', async (t) => {
    const { origin } = await createScriptedServer(t, ({ path, headers }) => {
      if (!path.endsWith('/list')) return { status: 401, body: { error: 'Unauthorized' } }
      return { body: { online: [], ...(headers.authorization === 'right' && { offline: [] }) } }
    })
    const commands = [['members'], ['status']]
    for (const command of commands) {
      const env = { SHAZBOT_CONTROL_SECRET: 'right' }
      const { code, stderr } = await runCli(t, [...command, `${origin}/`], { env })
      assert.equal(code, 0)
      assert.match(stderr, /The status needs a valid secret, so this is what the list tells\./)
      const wrong = await runCli(t, [...command, `${origin}/`], { env: { SHAZBOT_CONTROL_SECRET: 'wrong' } })
      assert.equal(wrong.code, 4)
      assert.match(wrong.stderr, /status answered 401: .*\nSet SHAZBOT_CONTROL_SECRET/)
    }
  })

  test('what a server says cannot control the terminal', async (t) => {
    const servers = [server(7, 'online\u001b[2J', { since: 1, cause: '\u001b]0;x\u0007', news: 1 })]
    servers[0].baseUrl = 'http://a/\u001b[31m\u202e'
    const baseUrl = await startServer(t, {
      servers,
      version: '\u001b[31m',
      phase: 'run\nning',
      view: '\u001b[31m',
    })
    for (const command of ['members', 'status']) {
      const { stdout } = await runCli(t, [command, baseUrl])
      assert.doesNotMatch(stdout, HARMFUL)
    }
  })

  test('what a server says cannot control the terminal as JSON, and stays what it is', async (t) => {
    const [first] = STATUS.servers
    const said = '\u001b[31m\u009b31m\u007f\u202e\u2028\u{e0001}"\\<b>'
    const baseUrl = await startServer(t, { servers: [{ ...first, baseUrl: said }], version: said })
    const members = await runCli(t, ['members', '--offline', '--json', baseUrl])
    const status = await runCli(t, ['status', '--json', baseUrl])
    for (const { stdout } of [members, status]) assert.doesNotMatch(stdout, HARMFUL)
    assert.equal(members.json.servers[0].baseUrl, said)
    assert.equal(status.json.version, said)
  })

  test('there are no colours in a pipe', async (t) => {
    const baseUrl = await startServer(t)
    const { stdout } = await runCli(t, ['members', baseUrl, '--offline'], { env: { FORCE_COLOR: '1' } })
    assert.ok(!stdout.includes('\u001b'))
  })

  const withoutColours = !styleText && 'this version of Node.js has no colours'
  test('colours are for terminals, unless somebody wants none', { skip: withoutColours }, () => {
    const terminal = { isTTY: true }
    assert.equal(painter(true, terminal, {})('dead', 'x'), '\u001b[31mx\u001b[39m')
    assert.equal(painter(true, terminal, {})('left', 'x'), 'x')
    assert.equal(painter(false, terminal, {})('dead', 'x'), 'x')
    assert.equal(painter(true, { isTTY: false }, {})('dead', 'x'), 'x')
    assert.equal(painter(true, terminal, { NO_COLOR: '1' })('dead', 'x'), 'x')
    assert.equal(painter(true, terminal, { NO_COLOR: '' })('dead', 'x'), '\u001b[31mx\u001b[39m')
    assert.equal(painter(true, terminal, { TERM: 'dumb' })('dead', 'x'), 'x')
  })

  const withoutIpv6 = !networkInterfaces().lo?.some(({ address }) => address === '::1') && 'there is no ::1'
  test('URLs with IPv6 and a path, without the final slash', { skip: withoutIpv6 }, async (t) => {
    const status = { ...STATUS, servers: [server(7, 'online', STATUS.servers[0])] }
    const { port, requests } = await createScriptedServer(t, () => ({ body: status }), { host: '::1' })
    const { code, json } = await runCli(t, ['members', '--json', `HTTP://[0:0::1]:${port}/a%20b`])
    assert.deepEqual([code, json.asked], [0, `http://[::1]:${port}/a%20b/`])
    assert.equal(requests[0].path, '/a%20b/clustershazbot/status')
    assert.equal(requests[0].headers.host, `[::1]:${port}`)
  })

  test('a duration has one unit', () => {
    const cases = [
      [-5, '0 s'],
      [999, '0 s'],
      [59_999, '59 s'],
      [60_000, '1 min'],
      [3_599_999, '59 min'],
      [86_399_999, '23 h'],
      [3 * DAY, '3 d'],
      [Number.NaN, '-'],
    ]
    for (const [milliseconds, expected] of cases) assert.equal(formatDuration(milliseconds), expected)
  })

  test('a reader that has enough ends it quietly', async (t) => {
    const servers = Array.from({ length: 5_000 }, (_, index) => server(index, 'online', STATUS.servers[0]))
    const baseUrl = await startServer(t, { servers })
    const cli = startCli(t, ['members', baseUrl])
    cli.closeOutput()
    assert.deepEqual(await cli.exited, { code: 0, signal: null })
    assert.equal(cli.stderr, '')
  })

  test('without a reader of notices, the exit code stays', async (t) => {
    const cli = startCli(t, ['members'])
    cli.closeNotices()
    assert.deepEqual(await cli.exited, { code: 2, signal: null })
  })
})

describe('cli: streams', { concurrency: 4 }, () => {
  /** Resolves with how the reading of a stream fails. */
  async function failureOf(t, write, limits) {
    const { origin } = await createScriptedServer(t, () => write)
    const response = await new Promise((resolve) => {
      // The reader of the response meets the error too.
      http.get(origin, resolve).on('error', () => {})
    })
    try {
      for await (const _ of readEvents(response, limits));
    } catch (error) {
      return error.message
    }
  }

  test('that are silent for long are broken', async (t) => {
    const write = (response) => response.writeHead(200).write(': hello\n\n')
    const message = await failureOf(t, write, { silence: 200, limit: 100 })
    assert.match(message, /The stream is silent for 0\.2 s/)
  })

  for (const [what, text] of [
    ['an endless line', 'x'.repeat(10_000)],
    ['an endless event', 'data: x\n'.repeat(10_000)],
  ])
    test(`with ${what} are broken`, async (t) => {
      const message = await failureOf(t, (response) => response.writeHead(200).write(text), {
        silence: 10_000,
        limit: 1_000,
      })
      assert.match(message, /has more than 1000 characters/)
    })
})
