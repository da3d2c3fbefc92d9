'use strict'

/** The command line against other services, and servers that do not answer as they should. */

const assert = require('node:assert/strict')
const { describe, test } = require('node:test')
const { certificate, fixture, readFixture } = require('../support/certificates')
const { runCli } = require('../support/cli')
const { CONTROL_SECRET } = require('../support/environment')
const { deadBaseUrl } = require('../support/ports')
const { bytes, createRawServer, healthy } = require('../support/raw-server')
const { answers, createScriptedServer } = require('../support/scripted-server')

const MB = 1024 * 1024
const ENV = { SHAZBOT_CONTROL_SECRET: CONTROL_SECRET }

/** All commands that end by themselves. */
const COMMANDS = [
  ['members'],
  ['status'],
  ['views'],
  ['owner', 'key'],
  ['drain'],
  ['resume'],
  ['doctor'],
  ['watch'],
]

/** Starts a server that answers everything in one way; returns its base URL. */
async function startServer(t, answer) {
  const server = await createScriptedServer(t, answer)
  return { baseUrl: `${server.origin}/`, requests: server.requests }
}

/** Runs all commands; each ends with this code, and says what happened and what to do. */
async function expectOfAll(t, baseUrl, { code, said, env = ENV, args = [] }) {
  const runs = COMMANDS.map(async (command) => {
    const run = await runCli(t, [...command, baseUrl, ...args], { env })
    const text = command[0] === 'doctor' ? run.stdout : run.stderr
    assert.equal(run.code, code, `${command}: ${run.stdout}${run.stderr}`)
    assert.match(text, said, command.join(' '))
    assert.ok(!text.includes('    at '), text)
    assert.ok(!`${run.stdout}${run.stderr}`.includes(CONTROL_SECRET))
    if (command[0] === 'doctor') assert.match(text, /^wrong +answer +.*\n {22}\S/m)
    else assert.match(text, /^clustershazbot: \S.*\n\S.*\n$/)
  })
  await Promise.all(runs)
}

describe('cli: servers that are not reached', { concurrency: 2 }, () => {
  test('a closed port', async (t) => {
    await expectOfAll(t, await deadBaseUrl(), {
      code: 3,
      said: /refused the connection\.\s+Check that the server runs/,
    })
  })

  test('a server that hangs', async (t) => {
    const { baseUrl } = await startServer(t, answers.silence)
    const said = /did not answer within 0\.5 s\.\s+.*--timeout/
    await expectOfAll(t, baseUrl, { code: 3, said, args: ['--timeout', '0.5'] })
  })

  test('an answer that stalls', async (t) => {
    const { baseUrl } = await startServer(t, answers.stall)
    const said = /did not answer within 0\.5 s\./
    await expectOfAll(t, baseUrl, { code: 3, said, args: ['--timeout', '0.5'] })
  })

  test('a connection that is reset', async (t) => {
    const { baseUrl } = await startServer(t, answers.reset)
    await expectOfAll(t, baseUrl, {
      code: 3,
      said: /closed the connection without an answer\.\s+.*http or https/,
    })
  })

  test('a certificate that is not trusted, and its remedy', async (t) => {
    const server = await createRawServer(t, () => healthy(baseUrl), { secure: certificate('issued') })
    const baseUrl = `${server.origin}/`
    const said = /has a certificate of an unknown authority\.\s+Set SHAZBOT_TLS_CA or NODE_EXTRA_CA_CERTS/
    await expectOfAll(t, baseUrl, { code: 3, said })
    for (const name of ['SHAZBOT_TLS_CA', 'NODE_EXTRA_CA_CERTS']) {
      const { code, stderr } = await runCli(t, ['members', baseUrl], {
        env: { ...ENV, [name]: fixture('ca.pem') },
      })
      assert.equal(code, 0, stderr)
    }
  })

  test('a self-signed certificate, and one for another name', async (t) => {
    for (const [name, said] of [
      ['self-signed', /has a self-signed certificate that is not trusted/],
      ['other-host', /has a (self-signed certificate that is not trusted|certificate for other names)/],
    ]) {
      const { origin } = await createRawServer(t, () => bytes(), { secure: certificate(name) })
      const { code, stderr } = await runCli(t, ['members', `${origin}/`])
      assert.equal(code, 3)
      assert.match(stderr, said)
    }
  })

  test('a server that wants a client certificate', async (t) => {
    const secure = certificate('issued', {
      ca: readFixture('ca.pem'),
      requestCert: true,
      rejectUnauthorized: false,
    })
    const denied = { status: 401, body: { error: 'Unauthorized: A client certificate is required' } }
    const server = await createRawServer(
      t,
      (_, { socket }) => (socket.authorized ? healthy(baseUrl) : bytes(denied)),
      { secure },
    )
    const baseUrl = `${server.origin}/`
    const trusting = { ...ENV, SHAZBOT_TLS_CA: fixture('ca.pem') }
    const own = { SHAZBOT_TLS_CERT: fixture('issued.pem'), SHAZBOT_TLS_KEY: fixture('test-only.key.pem') }
    for (const command of ['members', 'drain']) {
      const { code, stderr } = await runCli(t, [command, baseUrl], { env: trusting })
      assert.equal(code, 4)
      assert.match(stderr, /wants a client certificate that it trusts\.\nSet SHAZBOT_TLS_CERT/)
      assert.equal((await runCli(t, [command, baseUrl], { env: { ...trusting, ...own } })).code, 0)
    }
  })

  test('the wrong scheme', async (t) => {
    const { baseUrl } = await startServer(t, () => ({ body: 'plain' }))
    const secured = baseUrl.replace('http:', 'https:')
    const { code, stderr } = await runCli(t, ['members', secured])
    assert.equal(code, 3)
    assert.match(stderr, /does not speak TLS\.\nUse http:\/\//)
  })
})

describe('cli: answers of other programs', { concurrency: 2 }, () => {
  test('a web page for everything', async (t) => {
    const headers = { 'Content-Type': 'text/html' }
    const { baseUrl } = await startServer(t, () => ({
      headers,
      body: '<!doctype html><title>Log in</title>',
    }))
    await expectOfAll(t, baseUrl, {
      code: 3,
      said: /answers with a web page.*\.\s+Check that the URL is the base URL/,
    })
  })

  test('404', async (t) => {
    const { baseUrl } = await startServer(t, () => ({ status: 404, body: '<pre>Cannot GET</pre>' }))
    await expectOfAll(t, baseUrl, {
      code: 3,
      said: /answered 404: the routes of clustershazbot are not there\.\s+Check/,
    })
  })

  test('500, with what it says', async (t) => {
    const { baseUrl } = await startServer(t, () => ({ status: 500, body: { error: 'no\u001b[31m memory' } }))
    await expectOfAll(t, baseUrl, {
      code: 3,
      said: /answered 500: no\\u\{1b\}\[31m memory\.\s+Look into the log/,
    })
  })

  test('other JSON', async (t) => {
    for (const body of [null, 1, [], {}, { data: { online: [] } }, { online: {} }]) {
      const { baseUrl } = await startServer(t, () => ({ body }))
      const { code, stderr } = await runCli(t, ['members', baseUrl])
      assert.equal(code, 3)
      assert.match(stderr, /answers with something other than a list of servers\.\nCheck/)
    }
  })

  test('values that are not entries are left out', async (t) => {
    const entries = [null, 5, {}, { baseUrl: 5 }, { baseUrl: `http://${'x'.repeat(600)}/` }]
    const { baseUrl } = await startServer(t, () => ({
      body: { online: [...entries, { baseUrl: 'http://a/' }] },
    }))
    const { code, lines } = await runCli(t, ['members', baseUrl])
    assert.equal(code, 0)
    assert.equal(lines.length, 3)
    assert.match(lines[1], /^http:\/\/a\/ +online/)
  })

  test('an engine that is not started', async (t) => {
    const body = { error: 'Clustershazbot engine not started' }
    for (const status of [503, 500, 401]) {
      const { baseUrl } = await startServer(t, ({ path }) =>
        path.endsWith('/list') ? { status, body } : { status: 404, body: '' },
      )
      const { code, stderr } = await runCli(t, ['members', baseUrl])
      assert.equal(code, 1)
      assert.match(stderr, /answers, but its engine is not started\.\nLook into the log/)
    }
  })
})

describe('cli: endless answers', { concurrency: 2 }, () => {
  const SIZE = 50 * MB
  const chunk = Buffer.alloc(MB, ' ')

  /** Sends 50 MB, chunked or with their length; counts what is sent. */
  async function startEndless(t, hasLength) {
    let sent = 0
    const { baseUrl } = await startServer(t, () => async (response) => {
      response.setMaxListeners(0)
      response.writeHead(200, hasLength ? { 'Content-Length': SIZE } : {})
      for (let size = 0; size < SIZE && !response.destroyed; size += chunk.length) {
        sent += chunk.length
        if (!response.write(chunk))
          await new Promise((resolve) => response.once('drain', resolve).once('close', resolve))
      }
      response.end()
    })
    return { baseUrl, sent: () => sent / MB }
  }

  for (const hasLength of [true, false])
    test(`50 MB ${hasLength ? 'with' : 'without'} their length are refused before they are read`, async (t) => {
      const { baseUrl, sent } = await startEndless(t, hasLength)
      for (const [command, limit] of [
        ['members', 32],
        ['drain', 16],
      ]) {
        const before = sent()
        const { code, stderr } = await runCli(t, [command, baseUrl], { env: ENV })
        assert.equal(code, 3)
        assert.match(stderr, new RegExp(`answers with more than ${limit} MB\\.\\nCheck that the URL`))
        const passed = sent() - before
        assert.ok(passed < (hasLength ? 8 : limit + 8), `${passed} MB were sent`)
      }
    })
})

describe('cli: redirects', { concurrency: 2 }, () => {
  const list = { body: { online: [{ baseUrl: 'http://a/', monitor: false, lastUpdate: 0 }], offline: [] } }

  test('are followed for what only shows, without the secret to another origin', async (t) => {
    const target = await startServer(t, () => list)
    const Location = `${target.baseUrl}clustershazbot/list`
    const { baseUrl } = await startServer(t, ({ path }) => {
      return path.endsWith('/list') ? { status: 307, headers: { Location } } : { status: 404, body: '' }
    })
    const { code } = await runCli(t, ['members', baseUrl], { env: ENV })
    assert.equal(code, 0)
    assert.deepEqual(
      target.requests.map(({ headers }) => headers.authorization),
      [undefined],
    )
  })

  test('are not followed with the control secret', async (t) => {
    const target = await startServer(t, () => list)
    const { baseUrl } = await startServer(t, ({ path }) => ({
      status: 308,
      headers: { Location: `${target.baseUrl.slice(0, -1)}${path}` },
    }))
    const { code, stderr } = await runCli(t, ['drain', baseUrl], { env: ENV })
    assert.equal(code, 3)
    assert.match(stderr, /redirects to .*, and a secret follows no redirect\.\nUse the base URL to which/)
    assert.deepEqual(target.requests, [])
  })

  test('in a circle end', async (t) => {
    const { baseUrl } = await startServer(t, ({ path }) => ({ status: 302, headers: { Location: path } }))
    const { code, stderr } = await runCli(t, ['members', baseUrl])
    assert.equal(code, 3)
    assert.match(stderr, /redirects more than 3 times\.\nUse the URL/)
  })
})

describe('cli: errors as JSON', () => {
  test('are one value, and text beside it', async (t) => {
    const baseUrl = await deadBaseUrl()
    for (const command of [['members'], ['status'], ['views'], ['owner', 'key'], ['drain']]) {
      const { code, json, stderr } = await runCli(t, [...command, '--json', baseUrl], { env: ENV })
      assert.equal(code, 3)
      assert.deepEqual(Object.keys(json), ['asked', 'error', 'remedy', 'exit'])
      assert.equal(json.asked, baseUrl)
      assert.equal(json.exit, 3)
      assert.equal(stderr, `clustershazbot: ${json.error}\n${json.remedy}\n`)
    }
  })

  for (const [what, args] of Object.entries({
    'no command': [],
    'an unknown command': ['membres'],
    'an unknown option': ['members', '--ofline'],
    'no time': ['members', '--timeout', 'x'],
    'a secret': ['members', '--secret=x'],
    'no URL': ['members'],
  }))
    test(`also for wrong usage: ${what}`, async (t) => {
      const { code, json } = await runCli(t, [...args, '--json'])
      assert.deepEqual({ ...json, code }, { ...json, code: 2, asked: null, exit: 2 })
      assert.deepEqual(Object.keys(json), ['asked', 'error', 'remedy', 'exit'])
    })
})
