'use strict'

/** Arguments, variables and files of the command line. */

const assert = require('node:assert/strict')
const { mkdtempSync, rmSync, writeFileSync } = require('node:fs')
const { tmpdir } = require('node:os')
const path = require('node:path')
const { describe, test } = require('node:test')
const { runCli } = require('../support/cli')
const { CONTROL_SECRET } = require('../support/environment')
const { createScriptedServer } = require('../support/scripted-server')

const { version } = require('../../package.json')

const COMMANDS = ['members', 'watch', 'status', 'views', 'owner', 'drain', 'resume', 'doctor']
const NOWHERE = 'http://127.0.0.1:9/'
/** A value that must not appear in any output. */
const HUSH = 'hush-hush-value'
/** Node.js cannot load the addon then. */
const WITHOUT_ADDON = { NAPI_RS_NATIVE_LIBRARY_PATH: '/nowhere/clustershazbot.node' }

/** A server that accepts everything, and the secrets that it was sent. */
async function createServer(t) {
  const server = await createScriptedServer(t, ({ path }) => {
    if (path.endsWith('/status')) return { status: 404, body: '' }
    return {
      body: { online: [{ baseUrl: 'http://127.0.0.1:9/', monitor: false, lastUpdate: 0 }], offline: [] },
    }
  })
  return {
    baseUrl: `${server.origin}/`,
    get secrets() {
      return server.requests.map(({ headers }) => headers.authorization)
    },
  }
}

function file(t, content) {
  const folder = mkdtempSync(path.join(tmpdir(), 'clustershazbot-cli-'))
  t.after(() => rmSync(folder, { recursive: true }))
  const name = path.join(folder, 'secret')
  writeFileSync(name, content)
  return name
}

describe('cli: help', { concurrency: 4 }, () => {
  test('the version and the help need no addon', async (t) => {
    const shown = await runCli(t, ['--version'], { env: WITHOUT_ADDON })
    assert.deepEqual(shown, {
      code: 0,
      stdout: `${version}\n`,
      stderr: '',
      lines: [version],
      json: undefined,
    })
    for (const args of [['--help'], ['-h'], ['help']]) {
      const { code, stdout, stderr } = await runCli(t, args, { env: WITHOUT_ADDON })
      assert.deepEqual({ code, stderr }, { code: 0, stderr: '' })
      for (const command of COMMANDS) assert.match(stdout, new RegExp(`^  ${command} `, 'm'))
      assert.ok(stdout.split('\n').every((line) => line.length <= 100))
    }
  })

  test('each command has a help', async (t) => {
    for (const command of COMMANDS) {
      const { code, stdout } = await runCli(t, [command, '--help'], { env: WITHOUT_ADDON })
      assert.equal(code, 0)
      const usage = `Usage: clustershazbot ${command}${command === 'owner' ? ' KEY' : ''} [URL] [OPTIONS]\n`
      assert.ok(stdout.startsWith(usage), stdout)
      assert.equal(stdout.includes('--offline'), command === 'members')
    }
    assert.equal((await runCli(t, ['help', 'views'])).stdout, (await runCli(t, ['views', '--help'])).stdout)
  })
})

describe('cli: wrong usage ends with 2, and says what to do', { concurrency: 4 }, () => {
  const cases = {
    'no command': [[], /^clustershazbot: No command is named\.\n.*--help/],
    'an unknown command': [['membres', NOWHERE], /There is no such command\.\nWrite one of: members, /],
    'a name of objects': [['constructor', NOWHERE], /There is no such command/],
    'an unknown option': [['members', '--ofline'], /The option --ofline is unknown/],
    'an option of another command': [['views', '--offline', NOWHERE], /has no option --offline/],
    'an option without its value': [
      ['members', NOWHERE, '--timeout'],
      /--timeout has a wrong value, or none/,
    ],
    'a value for a flag': [['members', NOWHERE, '--json=yes'], /--json has a wrong value, or none/],
    'no time': [['members', NOWHERE, '--timeout', '0'], /--timeout has a wrong value/],
    'a long time': [['members', NOWHERE, '--timeout', '601'], /at most 600/],
    'a time with a unit': [['members', NOWHERE, '--timeout', '5s'], /a number of seconds/],
    'no URL': [['members'], /No server is named\.\nAdd its base URL, .* or set SHAZBOT_BASE_URL/],
    'no key': [['owner'], /No key is named\.\nWrite clustershazbot owner KEY \[URL\]/],
    'two URLs': [['members', NOWHERE, NOWHERE], /too many arguments/],
    'a host without a scheme': [['members', '127.0.0.1:9'], /no URL with http or https/],
    'another scheme': [['members', 'ftp://127.0.0.1/'], /no URL with http or https/],
    'a query': [['members', `${NOWHERE}?a=b`], /has a query or a fragment/],
    'the URL of a route': [
      ['members', `${NOWHERE}clustershazbot/list`],
      /which ends before clustershazbot\//,
    ],
    'no control secret': [['drain', NOWHERE], /Set SHAZBOT_CONTROL_SECRET or .*--secret-file/],
  }
  for (const [what, [args, expected]] of Object.entries(cases))
    test(what, async (t) => {
      const { code, stdout, stderr } = await runCli(t, args)
      assert.deepEqual({ code, stdout }, { code: 2, stdout: '' })
      assert.match(stderr, expected)
    })

  const attempts = [
    ['members', NOWHERE, `--secret=${HUSH}`],
    ['members', NOWHERE, '--secret', HUSH],
    ['drain', NOWHERE, '--control-secret', HUSH],
    ['members', NOWHERE, '--read-secret', HUSH],
    ['members', NOWHERE, '--token', HUSH],
    ['members', NOWHERE, '--password', HUSH],
    ['members', NOWHERE, `--authorization=${HUSH}`],
    ['members', NOWHERE, '--bearer', HUSH],
    ['members', `http://user:${HUSH}@127.0.0.1:9/`],
    ['members', NOWHERE, HUSH],
    [HUSH, NOWHERE],
  ]
  for (const args of attempts)
    test(`a secret as in ${args.join(' ')}`, async (t) => {
      const { code, stdout, stderr } = await runCli(t, args)
      assert.deepEqual({ code, stdout }, { code: 2, stdout: '' })
      assert.ok(!stderr.includes(HUSH), stderr)
      if (args.some((argument) => argument.startsWith('--')))
        assert.match(stderr, /not taken from arguments.*\nSet SHAZBOT_CONTROL_SECRET .*--secret-file/)
    })

  const files = {
    empty: [' \n', /The file of --secret-file is empty/],
    'of two lines': [`${HUSH}\n${HUSH}`, /invalid in an HTTP header/],
    'that is too large': ['x'.repeat(128 * 1024 + 1), /more than 131072 bytes/],
  }
  for (const [what, [content, expected]] of Object.entries(files))
    test(`a file of a secret ${what}`, async (t) => {
      const { code, stderr } = await runCli(t, ['drain', NOWHERE, '--secret-file', file(t, content)])
      assert.equal(code, 2)
      assert.match(stderr, expected)
      assert.ok(!stderr.includes(HUSH))
    })

  test('a file of a secret that is not there', async (t) => {
    const { code, stderr } = await runCli(t, ['drain', NOWHERE, '--secret-file', '/nowhere'])
    assert.equal(code, 2)
    assert.match(stderr, /The file of --secret-file cannot be read \(ENOENT\)/)
  })

  test('a secret and its file', async (t) => {
    const env = { SHAZBOT_CONTROL_SECRET: HUSH, SHAZBOT_CONTROL_SECRET_FILE: '/nowhere' }
    const { code, stderr } = await runCli(t, ['drain', NOWHERE], { env })
    assert.equal(code, 2)
    assert.match(stderr, /SHAZBOT_CONTROL_SECRET and SHAZBOT_CONTROL_SECRET_FILE are both set/)
  })

  test('files for TLS that cannot be used', async (t) => {
    const cases = [
      [{ SHAZBOT_TLS_CA: '/nowhere' }, /The file of SHAZBOT_TLS_CA cannot be read/],
      [{ SHAZBOT_TLS_CERT: file(t, 'x') }, /need each other/],
      [{ SHAZBOT_TLS_CERT: file(t, 'x'), SHAZBOT_TLS_KEY: file(t, 'y') }, /cannot be used/],
    ]
    for (const [env, expected] of cases) {
      const { code, stderr } = await runCli(t, ['members', NOWHERE], { env })
      assert.equal(code, 2)
      assert.match(stderr, expected)
    }
  })
})

describe('cli: where it takes things from', { concurrency: 4 }, () => {
  test('the URL from SHAZBOT_BASE_URL, which an argument overrides', async (t) => {
    const [named, other] = [await createServer(t), await createServer(t)]
    // The final slash may be missing, as for the engine.
    const env = { SHAZBOT_BASE_URL: named.baseUrl.slice(0, -1) }
    assert.equal((await runCli(t, ['members', '--json'], { env })).json.asked, named.baseUrl)
    assert.equal((await runCli(t, ['members', '--json', other.baseUrl], { env })).json.asked, other.baseUrl)
  })

  test('secrets from variables and files', async (t) => {
    const env = { SHAZBOT_CONTROL_SECRET: ` ${CONTROL_SECRET}\n`, SHAZBOT_READ_SECRET: 'read-secret' }
    const cases = [
      [['members'], {}, [undefined, undefined]],
      [['members'], env, ['read-secret', CONTROL_SECRET]],
      [['members'], { SHAZBOT_CONTROL_SECRET: CONTROL_SECRET }, [CONTROL_SECRET, CONTROL_SECRET]],
      [['members'], { SHAZBOT_READ_SECRET: 'read-secret' }, ['read-secret', undefined]],
      [['members', '--secret-file', file(t, ' of a file\n')], env, ['of a file', 'of a file']],
      [['members'], { SHAZBOT_READ_SECRET_FILE: file(t, 'of a file') }, ['of a file', undefined]],
      [['drain'], env, [CONTROL_SECRET]],
      [['drain'], { SHAZBOT_CONTROL_SECRET_FILE: file(t, 'of a file') }, ['of a file']],
      [['resume', `--secret-file=${file(t, 'of a file')}`], env, ['of a file']],
    ]
    for (const [args, variables, expected] of cases) {
      const server = await createServer(t)
      const { code, stderr } = await runCli(t, [...args, server.baseUrl], { env: variables })
      assert.equal(code, 0, stderr)
      assert.deepEqual(server.secrets, expected)
    }
  })

  test('the addon only for owners and variables', async (t) => {
    const { baseUrl } = await createServer(t)
    for (const args of [['members', '--offline'], ['status'], ['drain']]) {
      const env = { ...WITHOUT_ADDON, SHAZBOT_CONTROL_SECRET: CONTROL_SECRET }
      const { code, stderr } = await runCli(t, [...args, baseUrl], { env })
      assert.equal(code, 0, stderr)
    }
    const { code, stderr } = await runCli(t, ['owner', 'key', baseUrl], { env: WITHOUT_ADDON })
    assert.equal(code, 1)
    assert.match(stderr, /needs the native addon, which cannot be loaded\.\n.*NAPI_RS_NATIVE_LIBRARY_PATH/)
    assert.match(stderr, /^What helps:$/m)
  })
})
