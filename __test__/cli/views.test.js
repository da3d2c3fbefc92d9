'use strict'

/** What `views` makes of servers that disagree, and what it sends to servers that others name. */

const assert = require('node:assert/strict')
const { describe, test } = require('node:test')
const { setTimeout: pause } = require('node:timers/promises')
const { runCli } = require('../support/cli')
const { entry } = require('../support/entries')
const { CONTROL_SECRET, SECRET } = require('../support/environment')
const { deadBaseUrl } = require('../support/ports')
const { createScriptedServer } = require('../support/scripted-server')
const signing = require('../support/signing')

const ENV = {
  SHAZBOT_CONTROL_SECRET: CONTROL_SECRET,
  SHAZBOT_SECRET: SECRET,
  SHAZBOT_READ_SECRET: 'read-secret',
}

/** Starts a server whose list is what `online` returns. */
async function startServer(t, online, answer) {
  const server = await createScriptedServer(t, (request) => {
    return answer?.(request) ?? { body: { online: online().map((url) => entry(url)) } }
  })
  return { baseUrl: `${server.origin}/`, requests: server.requests }
}

/** Starts servers with lists by their numbers. */
async function startServers(t, lists) {
  const servers = []
  for (const list of lists)
    servers.push(await startServer(t, () => list.map((number) => servers[number].baseUrl)))
  return servers
}

const urlsOf = (servers) => servers.map(({ baseUrl }) => baseUrl).sort()

describe('cli: views', { concurrency: 4 }, () => {
  test('that differ are grouped, the largest first', async (t) => {
    const servers = await startServers(t, [[0, 1, 2], [0, 1, 2], [2]])
    const [first, , third] = servers
    const { code, json } = await runCli(t, ['views', '--json', third.baseUrl])
    assert.equal(code, 0, 'who is alone sees no difference')
    assert.equal(json.groups.length, 1)
    const differing = await runCli(t, ['views', '--json', first.baseUrl])
    assert.equal(differing.code, 1)
    const missing = urlsOf(servers.slice(0, 2))
    assert.deepEqual(differing.json.groups, [
      { servers: missing, online: urlsOf(servers), missing: [] },
      { servers: [third.baseUrl], online: [third.baseUrl], missing },
    ])
    assert.equal(differing.json.same, false)
    const { lines } = await runCli(t, ['views', first.baseUrl])
    assert.deepEqual(lines, [
      '2 servers see the same 3 online:',
      ...missing.map((url) => `  ${url}`),
      `1 server sees 1 online, without ${missing.join(', ')}:`,
      `  ${third.baseUrl}`,
      `3 servers asked, 2 views; started at ${first.baseUrl}`,
    ])
  })

  test('that differ only for a moment are one', async (t) => {
    let asked = 0
    const second = await startServer(t, () => (++asked === 1 ? [second.baseUrl] : urls()))
    const first = await startServer(t, () => urls())
    const urls = () => [first.baseUrl, second.baseUrl]
    assert.equal((await runCli(t, ['views', first.baseUrl])).code, 0)
    assert.equal(asked, 2)
  })

  test('servers that only others name are asked too', async (t) => {
    const servers = await startServers(t, [[0, 1], [0, 1, 2], [0, 1, 2, 3], [3]])
    const { json } = await runCli(t, ['views', '--json', servers[0].baseUrl])
    assert.deepEqual(json.groups.flatMap((group) => group.servers).sort(), urlsOf(servers))
  })

  test('other spellings of a URL make no difference', async (t) => {
    const second = await startServer(t, () => [first.baseUrl, second.baseUrl])
    const first = await startServer(t, () => [
      first.baseUrl.slice(0, -1),
      second.baseUrl.replace('http', 'HTTP'),
    ])
    const { code, json } = await runCli(t, ['views', '--json', first.baseUrl])
    assert.equal(code, 0, JSON.stringify(json))
  })

  test('a server that does not answer is named', async (t) => {
    const dead = await deadBaseUrl()
    const server = await startServer(t, () => [server.baseUrl, dead])
    const { code, lines } = await runCli(t, ['views', server.baseUrl])
    assert.equal(code, 1)
    assert.deepEqual(lines.slice(2), [
      '1 server showed no list:',
      `  ${dead}clustershazbot/list refused the connection.`,
      `2 servers asked, 1 view; started at ${server.baseUrl}`,
    ])
    const { json } = await runCli(t, ['views', '--json', server.baseUrl])
    assert.deepEqual(json.failed, [
      { baseUrl: dead, error: `${dead}clustershazbot/list refused the connection.` },
    ])
  })

  test('at most 16 servers are asked at once, and long groups are cut', async (t) => {
    let [current, highest] = [0, 0]
    const server = await startServer(
      t,
      () => [],
      async () => {
        highest = Math.max(highest, ++current)
        await pause(20)
        current--
        const urls = Array.from({ length: 100 }, (_, index) => `${server.baseUrl}${index}/`)
        return { body: { online: urls.map((url) => entry(url)) } }
      },
    )
    const { code, lines } = await runCli(t, ['views', `${server.baseUrl}0/`])
    assert.equal(code, 0)
    assert.equal(highest, 16)
    assert.equal(lines[0], '100 servers see the same 100 online:')
    assert.equal(lines[11], '  and 90 more')
    assert.equal(lines.length, 13)
  })
})

describe('cli: strangers', { concurrency: 4 }, () => {
  /** Runs `views` at a server that names another one; resolves with the headers of the latter. */
  async function headersAt(t, answer) {
    const stranger = await startServer(t, () => [], answer)
    const named = await startServer(t, () => [named.baseUrl, stranger.baseUrl])
    const run = await runCli(t, ['views', named.baseUrl], { env: ENV })
    return { run, stranger, headers: stranger.requests.map(({ headers }) => headers.authorization) }
  }

  const denied = { status: 401, body: { error: 'Unauthorized: Invalid SHAZBOT_SECRET' } }

  test('are sent no secret', async (t) => {
    const { headers } = await headersAt(t, () => undefined)
    assert.ok(headers.length > 0)
    assert.ok(headers.every((header) => header === undefined))
  })

  test('are sent a challenge if they want a secret', async (t) => {
    const { run, headers } = await headersAt(t, () => denied)
    assert.equal(run.code, 1)
    assert.match(run.stdout, /shows its list only to holders of a secret, and cannot verify signatures/)
    assert.equal(headers[0], undefined)
    assert.match(headers[1], /^Shazbot-Challenge [\w-]{22}$/)
    assert.equal(headers.length, 2)
  })

  for (const [what, urlOf, isSigned] of [
    ['own URL', (url) => url, true],
    ['URL of another server', () => 'http://127.0.0.1:9/', false],
  ])
    test(`are sent ${isSigned ? 'a' : 'no'} signature for a proof with the ${what}`, async (t) => {
      const { headers, stranger } = await headersAt(t, ({ headers: { authorization, host } }) => {
        const nonce = signing.readChallenge(authorization)
        if (!nonce) return denied
        const prover = { baseUrl: urlOf(`http://${host}/`), process: 7n, sequence: 5n }
        return { body: { online: [], proof: signing.prove(nonce, prover, SECRET) } }
      })
      assert.equal(headers.length, isSigned ? 3 : 2)
      if (!isSigned) return
      const [, fields] = headers[2].split('Shazbot ')
      const expected = signing.signRequest(
        { baseUrl: 'http://localhost/', process: 1n },
        { baseUrl: stranger.baseUrl, process: 7n, epoch: 0n },
        5n,
        '',
        CONTROL_SECRET,
        'list',
      )
      assert.equal(`Shazbot ${fields}`, expected.header)
    })
})
