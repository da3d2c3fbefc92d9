'use strict'

const assert = require('node:assert/strict')
const { describe, test } = require('node:test')
const { fixture, readFixture } = require('../support/certificates')
const { withTimeout } = require('../support/eventually')
const { captureConsole, prepare, shazbot } = require('../support/in-process')
const { runScript } = require('../support/script')

const { shazbotGetServerList, shazbotShutDown, shazbotStart } = shazbot

const VALID = {
  SHAZBOT_TLS_CERT: fixture('issued.pem'),
  SHAZBOT_TLS_KEY: fixture('test-only.key.pem'),
  SHAZBOT_TLS_CA: fixture('ca.pem'),
}

/** Useless values, with the variable that the error names and its reason. */
const USELESS = {
  'a certificate without a key': [
    { SHAZBOT_TLS_KEY: '' },
    'SHAZBOT_TLS_KEY',
    /set if SHAZBOT_TLS_CERT is set/,
  ],
  'a key without a certificate': [
    { SHAZBOT_TLS_CERT: ' ' },
    'SHAZBOT_TLS_CERT',
    /set if SHAZBOT_TLS_KEY is set/,
  ],
  'a missing file': [
    { SHAZBOT_TLS_CERT: fixture('nowhere.pem') },
    'SHAZBOT_TLS_CERT',
    /No such file|cannot find/,
  ],
  'a folder': [{ SHAZBOT_TLS_CA: fixture('') }, 'SHAZBOT_TLS_CA', /regular file/],
  'a key of another certificate': [
    { SHAZBOT_TLS_CERT: fixture('ca.pem') },
    'SHAZBOT_TLS_KEY',
    /the key of the certificate in SHAZBOT_TLS_CERT/,
  ],
  'a certificate in the place of the key': [
    { SHAZBOT_TLS_KEY: fixture('issued.pem') },
    'SHAZBOT_TLS_KEY',
    /no private key/,
  ],
  'a short RSA key': [
    { SHAZBOT_TLS_KEY: fixture('test-only-rsa-1024.key.pem') },
    'SHAZBOT_TLS_KEY',
    /2048 bits/,
  ],
  'the key itself': [
    { SHAZBOT_TLS_KEY: readFixture('test-only.key.pem').toString() },
    'SHAZBOT_TLS_KEY',
    /the path of a usable PEM file/,
  ],
}

describe('TLS files', () => {
  for (const [what, [variables, name, reason]] of Object.entries(USELESS)) {
    test(`a start with ${what} is refused`, async (t) => {
      captureConsole(t)
      const { store } = await prepare(t, { env: { ...VALID, ...variables } })
      const starts = await Promise.allSettled([shazbotStart(), shazbotStart()])
      for (const { reason: error } of starts) {
        assert.equal(error.code, 'SHAZBOT_CONFIG')
        assert.ok(error.message.startsWith(`Environment variable ${name} must be `), error.message)
        assert.match(error.message, reason)
        assert.doesNotMatch(error.message, /PRIVATE KEY/)
      }
      assert.throws(() => shazbotGetServerList(), { code: 'SHAZBOT_NOT_STARTED' })
      assert.equal(store.requests.length, 0)
      await shazbotShutDown()

      Object.assign(process.env, VALID)
      await shazbotStart()
      assert.equal(shazbotGetServerList().online.length, 1, 'a later start succeeds')
    })
  }

  test('a shutdown ends a start that is being refused', async (t) => {
    captureConsole(t)
    await prepare(t, { env: { SHAZBOT_TLS_CA: fixture('nowhere.pem') } })
    const start = shazbotStart()
    await Promise.all([shazbotShutDown(), assert.rejects(start, { code: 'SHAZBOT_CONFIG' })])
    assert.throws(() => shazbotGetServerList(), { code: 'SHAZBOT_NOT_STARTED' })
    delete process.env.SHAZBOT_TLS_CA
    await shazbotStart()
  })

  test('a refused start does not keep the process alive', async (t) => {
    const program = 'await shazbot.shazbotStart().catch(({ message }) => console.log(message))'
    const script = runScript(t, program, { env: { SHAZBOT_TLS_CA: fixture('nowhere.pem') } })
    const { code } = await withTimeout(script.exited, { within: 30_000, what: 'the end of the process' })
    assert.equal(code, 0, script.stderr)
    assert.match(script.stdout, /SHAZBOT_TLS_CA must be the path/)
  })
})
