'use strict'

const { describe, test } = require('node:test')
const assert = require('node:assert/strict')
const { shazbot, captureConsole, prepare } = require('../support/in-process')
const { createFakePeer } = require('../support/fake-peer')
const { runScript } = require('../support/script')
const { createMasterListStore } = require('../support/master-list-store')
const { aWhileAgo } = require('../support/entries')
const { eventually, withTimeout } = require('../support/eventually')

const { shazbotStart, shazbotShutDown } = shazbot

const REQUIRED = [
  'SHAZBOT_SECRET',
  'SHAZBOT_CONTROL_SECRET',
  'SHAZBOT_MASTER_LIST',
  'SHAZBOT_MASTER_LIST_UPDATE',
  'SHAZBOT_MASTER_LIST_UPDATE_AUTH',
  'SHAZBOT_BASE_URL',
]

const textsOf = (lines, severity) =>
  lines.filter((line) => line.severity === severity).map(({ values }) => values.join(' '))

/** Runs `act` with a replaced `process.env`. */
async function withEnv(env, act) {
  const real = process.env
  process.env = env
  try {
    await act()
  } finally {
    process.env = real
  }
}

/** Runs an engine with these variables until it has logged `expected` warnings; returns the log. */
async function warningsWith(t, env, expected) {
  await prepare(t, { env })
  const lines = captureConsole(t)
  await shazbotStart()
  // Warnings from Rust come from another thread.
  await eventually(() => textsOf(lines, 'warn').length >= expected, { what: `${expected} warnings` })
  await shazbotShutDown()
  for (const { values } of lines) assert.match(values[0], /^Clustershazbot\b/)
  return textsOf(lines, 'warn')
}

describe('missing variables', () => {
  test('are all listed in the error and in one log line', async (t) => {
    const env = { SHAZBOT_CONTROL_SECRET: ' ', SHAZBOT_MASTER_LIST: undefined, SHAZBOT_BASE_URL: '' }
    await prepare(t, { env })
    const lines = captureConsole(t)
    const missing = ['SHAZBOT_CONTROL_SECRET', 'SHAZBOT_MASTER_LIST', 'SHAZBOT_BASE_URL']
    await assert.rejects(shazbotStart(), {
      code: 'SHAZBOT_CONFIG',
      message: 'Environment variable SHAZBOT_CONTROL_SECRET is required',
      missing,
    })
    assert.deepEqual(lines, [
      {
        severity: 'error',
        values: [`Clustershazbot: environment variables missing: ${missing.join(', ')}`],
      },
    ])
  })

  test('are all six in an empty environment; a single one is only in the error', async (t) => {
    await prepare(t)
    const lines = captureConsole(t)
    await withEnv({}, () => assert.rejects(shazbotStart(), { missing: REQUIRED }))
    lines.length = 0
    const missing = ['SHAZBOT_BASE_URL']
    await withEnv({ ...process.env, SHAZBOT_BASE_URL: '' }, () => assert.rejects(shazbotStart(), { missing }))
    assert.deepEqual(lines, [])
  })

  test('are not mentioned by other errors', async (t) => {
    await prepare(t, { env: { SHAZBOT_GOSSIP_INTERVAL: 'soon' } })
    captureConsole(t)
    await assert.rejects(shazbotStart(), (error) => error.code === 'SHAZBOT_CONFIG' && !('missing' in error))
  })
})

describe('URLs', () => {
  const WRONG = [
    ['SHAZBOT_BASE_URL', '10.0.0.7:3000', 'a URL such as https://10.0.0.7:3000/, not "10.0.0.7:3000"'],
    ['SHAZBOT_BASE_URL', 'http://u:hunter2@h/', 'a URL without credentials, not "http://…@h/"'],
    ['SHAZBOT_BASE_URL', 'http://h/?key=hunter2', 'a URL without a query, not "http://h/?…"'],
    ['SHAZBOT_BASE_URL', 'http://h/\u202e#hunter2', 'a URL without a fragment, not "http://h/%E2%80%AE#…"'],
    [
      'SHAZBOT_MASTER_LIST',
      'li\u202est.json?hunter2',
      'an http, https or data URL, not "li\\u{202e}st.json?…"',
    ],
    ['SHAZBOT_MASTER_LIST_UPDATE', 'ftp://h/list', 'an http or https URL, not "ftp://h/list"'],
    ['SHAZBOT_MASTER_LIST_UPDATE', 'Bearer hunter2', 'an http or https URL, not "…"'],
  ]
  for (const [name, value, expected] of WRONG) {
    test(`${name}=${JSON.stringify(value)} is shown without secrets, with the violated rule`, async (t) => {
      await prepare(t, { env: { SHAZBOT_MASTER_LIST_UPDATE_AUTH: 'Bearer hunter2', [name]: value } })
      captureConsole(t)
      await assert.rejects(shazbotStart(), {
        code: 'SHAZBOT_CONFIG',
        message: `Environment variable ${name} must be ${expected}`,
      })
    })
  }
})

describe('unknown names', () => {
  test('cause a warning with the closest known name', async (t) => {
    const env = {
      SHAZBOT_GOSIP_INTERVAL: '5',
      SHAZBOT_MASTERLIST: 'x',
      CLUSTERSHAZBOT_BASE_URL: 'x',
      shazbot_monitor: 'true',
    }
    const warnings = await warningsWith(t, env, 4)
    const expected = {
      SHAZBOT_GOSIP_INTERVAL: 'SHAZBOT_GOSSIP_INTERVAL',
      SHAZBOT_MASTERLIST: 'SHAZBOT_MASTER_LIST',
      CLUSTERSHAZBOT_BASE_URL: 'SHAZBOT_BASE_URL',
      shazbot_monitor: 'SHAZBOT_MONITOR',
    }
    assert.deepEqual(
      warnings.sort(),
      Object.entries(expected)
        .map(([name, known]) => {
          return `Clustershazbot: environment variable ${name} is unknown; did you mean ${known}?`
        })
        .sort(),
    )
  })

  test('are logged even if the start fails because of them', async (t) => {
    await prepare(t, { env: { SHAZBOT_SECRET: undefined, SHAZBOT_SECRETS: 'x' } })
    const lines = captureConsole(t)
    await assert.rejects(shazbotStart(), { missing: ['SHAZBOT_SECRET'] })
    assert.deepEqual(textsOf(lines, 'warn'), [
      'Clustershazbot: environment variable SHAZBOT_SECRETS is unknown; did you mean SHAZBOT_SECRET?',
    ])
  })

  test('cause at most ten warnings, each in one line', async (t) => {
    const names = Array.from({ length: 15 }, (_, index) => [
      `SHAZBOT_\n\u202e${index}${'x'.repeat(10_000)}`,
      '1',
    ])
    const warnings = await warningsWith(t, Object.fromEntries(names), 11)
    assert.equal(warnings.length, 11)
    assert.equal(warnings[10], 'Clustershazbot: 5 more environment variables are unknown')
    for (const warning of warnings) assert.ok(warning.length < 400 && !/[\n\u202e]/.test(warning), warning)
  })

  test('of the scripts and of Kubernetes cause no warning', async (t) => {
    const env = {
      SHAZBOT_SKIP_BUILD: '1',
      SHAZBOT_SERVICE_HOST: '10.0.0.1',
      CLUSTERSHAZBOT_SERVICE_PORT: '80',
      CLUSTERSHAZBOT_SERVICE_PORT_HTTP: '80',
      CLUSTERSHAZBOT_PORT: 'tcp://10.0.0.1:80',
      CLUSTERSHAZBOT_PORT_80_TCP_ADDR: '10.0.0.1',
      NOT_SHAZBOT_SECRET: 'x',
      SHAZBOT_MONITOR: 'yes',
    }
    const warnings = await warningsWith(t, env, 1)
    assert.deepEqual(warnings, [
      'Clustershazbot: environment variable SHAZBOT_MONITOR is neither true nor false: treated as false',
    ])
  })

  test('any replacement of process.env works', async (t) => {
    await prepare(t)
    captureConsole(t)
    const real = process.env
    const throwing = { ownKeys: () => assert.fail('no keys') }
    for (const replacement of [
      new Proxy({ ...real }, throwing),
      Object.create(real),
      Object.assign(() => {}, real),
    ]) {
      await withEnv(replacement, async () => {
        await shazbotStart()
        await shazbotShutDown()
      })
    }
    await withEnv(undefined, () => assert.rejects(shazbotStart(), { missing: REQUIRED }))
  })
})

describe('values that are probably wrong', () => {
  test('cause a warning: milliseconds, and a base URL that contains the routes', async (t) => {
    const base = 'http://127.0.0.1:9/clustershazbot'
    const env = {
      SHAZBOT_GOSSIP_INTERVAL: '30000',
      SHAZBOT_PROBE_INTERVAL: '1000',
      SHAZBOT_MASTER_ANNOUNCE_MINIMUM: '300000',
      SHAZBOT_MASTER_ANNOUNCE_INTERVAL: '600000',
      SHAZBOT_BASE_URL: base,
    }
    const warnings = await warningsWith(t, env, 5)
    assert.equal(warnings.length, 5)
    for (const name of Object.keys(env)) {
      const about = warnings.filter((warning) => warning.includes(`${name} `))
      assert.equal(about.length, 1, name)
      assert.match(
        about[0],
        name === 'SHAZBOT_BASE_URL' ? /ends in clustershazbot\// : /looks like milliseconds/,
      )
    }
  })

  test('equal and short secrets cause one warning, without their values', async (t) => {
    const env = { SHAZBOT_SECRET: 'hunter2-hunter', SHAZBOT_CONTROL_SECRET: 'hunter2-hunter' }
    const warnings = await warningsWith(t, env, 3)
    assert.equal(warnings.length, 3)
    assert.match(warnings[0], /SHAZBOT_SECRET equals SHAZBOT_CONTROL_SECRET/)
    assert.match(warnings[1], /SHAZBOT_SECRET is shorter than 16 characters/)
    assert.match(warnings[2], /SHAZBOT_CONTROL_SECRET is shorter than 16 characters/)
    assert.ok(!warnings.join().includes('hunter2'))
    // The next start has another warning, and does not repeat those about the secrets.
    process.env.SHAZBOT_MONITOR = 'yes'
    const again = await warningsWith(t, { ...env, SHAZBOT_MONITOR: 'yes' }, 1)
    assert.equal(again.length, 1, again.join())
    assert.match(again[0], /SHAZBOT_MONITOR/)
  })
})

describe('SHAZBOT_LOG', { concurrency: 4 }, () => {
  async function outputWith(t, level) {
    const peer = await createFakePeer(t)
    peer.onGossip = () => ({ status: 401, body: '' })
    const store = await createMasterListStore(t, { servers: [peer.entry(aWhileAgo())] })
    const script = runScript(
      t,
      `await shazbot.shazbotStart()
      await new Promise((resolve) => setTimeout(resolve, 300))
      await shazbot.shazbotShutDown()
      setTimeout(() => {}, 100)`,
      { store, env: { SHAZBOT_LOG: level, SHAZBOT_MONITOR: 'yes' } },
    )
    const { code } = await withTimeout(script.exited, { within: 60_000, what: 'the end of the process' })
    assert.equal(code, 0, script.stderr)
    return script
  }

  const STARTED = /Clustershazbot engine started\n/
  const WARNING = /SHAZBOT_MONITOR is neither true nor false/
  const FAILURE = /Failed to send gossip message to/

  test('info is the default, and logs everything', async (t) => {
    for (const script of await Promise.all(['', 'INFO '].map((level) => outputWith(t, level)))) {
      assert.match(script.stdout, STARTED)
      assert.match(script.stderr, WARNING)
      assert.match(script.stderr, FAILURE)
    }
  })

  test('warn logs warnings and failures', async (t) => {
    const script = await outputWith(t, 'warn')
    assert.equal(script.stdout, '')
    assert.match(script.stderr, WARNING)
    assert.match(script.stderr, FAILURE)
  })

  test('silent logs nothing', async (t) => {
    const script = await outputWith(t, 'silent')
    assert.deepEqual([script.stdout, script.stderr], ['', ''])
  })

  test('another value is rejected by name', async (t) => {
    await prepare(t, { env: { SHAZBOT_LOG: 'debug' } })
    captureConsole(t)
    await assert.rejects(shazbotStart(), {
      code: 'SHAZBOT_CONFIG',
      message: 'Environment variable SHAZBOT_LOG must be info, warn or silent',
    })
  })
})
