'use strict'

const { describe, test } = require('node:test')
const assert = require('node:assert/strict')
const { certificate, fixture, readFixture } = require('../support/certificates')
const { createRawServer, bytes, healthy } = require('../support/raw-server')
const { runScript } = require('../support/script')
const { startSubject } = require('../support/subject')
const { SECRET, UPLOAD_AUTH } = require('../support/environment')
const { aWhileAgo, entry, isOnline } = require('../support/entries')
const { eventually, withTimeout } = require('../support/eventually')

/** Without those of this process: each test sets the trusted certificates. */
const NOTHING = {
  NODE_EXTRA_CA_CERTS: '',
  NODE_TLS_REJECT_UNAUTHORIZED: '',
  SSL_CERT_FILE: '',
  SSL_CERT_DIR: '',
}
const trusting = (name) => ({ ...NOTHING, NODE_EXTRA_CA_CERTS: fixture(`${name}.pem`) })

/** A master list and a peer over TLS, behind one port. */
async function createSecureWorld(t, secure, host = '127.0.0.1') {
  const server = await createRawServer(
    t,
    ({ method, target }) => {
      if (method === 'PUT') return bytes()
      if (target === '/servers.json') return bytes({ body: { online: [entry(baseUrl, aWhileAgo())] } })
      return healthy(baseUrl)
    },
    { secure },
  )
  const baseUrl = `https://${host}:${server.port}/`
  return { server, baseUrl, store: { url: `${baseUrl}servers.json` } }
}

/** Whether Node's `fetch` accepts the server with the same variables. */
async function fetchAccepts(t, url, env) {
  const program = `await fetch(${JSON.stringify(url)}).then((answer) => answer.text()).then(() => console.log('accepted'), () => {})`
  const script = runScript(t, program, { env, loads: false })
  await withTimeout(script.exited, { within: 60_000, what: 'the end of fetch' })
  return script.said('accepted')
}

/** Who is trusted under which variables, as in Node. */
const CASES = {
  'a self-signed certificate that is named': ['self-signed', trusting('self-signed'), true],
  'a certificate whose authority is named': ['issued', trusting('ca'), true],
  'an authority’s certificate whose authority is named': ['issued-authority', trusting('ca'), true],
  'an authority’s certificate whose authority is not configured': ['issued-authority', NOTHING, false],
  'a self-signed certificate that is not configured': ['self-signed', NOTHING, false],
  'a certificate whose authority is not configured': ['issued', NOTHING, false],
  'a self-signed certificate while another one is named': ['self-signed', trusting('ca'), false],
  'a named certificate of another host': ['other-host', trusting('other-host'), false],
  'any certificate with NODE_TLS_REJECT_UNAUTHORIZED=0': [
    'other-host',
    { ...NOTHING, NODE_TLS_REJECT_UNAUTHORIZED: '0' },
    true,
  ],
  'NODE_TLS_REJECT_UNAUTHORIZED=1': ['self-signed', { ...NOTHING, NODE_TLS_REJECT_UNAUTHORIZED: '1' }, false],
  'NODE_TLS_REJECT_UNAUTHORIZED=false': [
    'self-signed',
    { ...NOTHING, NODE_TLS_REJECT_UNAUTHORIZED: 'false' },
    false,
  ],
  'a file of certificates that is not there': ['self-signed', trusting('nowhere'), false],
  'a certificate with nothing but a common name': ['common-name', trusting('common-name'), true, 'localhost'],
  'the name of a host that is named': ['self-signed', trusting('self-signed'), true, 'localhost'],
}

/** Features that Node may accept and this TLS stack does not support. */
const UNSUPPORTED = {
  'an X.509 certificate of version 1': ['version-1', {}, /X\.509 version 1/],
  'a P-521 key': ['p521', { key: readFixture('test-only-p521.key.pem') }, /P-521/],
  'an RSA key of 1024 bits': [
    'rsa-1024',
    // Newer versions of OpenSSL would not load it.
    { key: readFixture('test-only-rsa-1024.key.pem'), ciphers: 'DEFAULT@SECLEVEL=0' },
    /shorter than 2048 bits/,
  ],
  'a cipher suite with CBC': [
    'self-signed',
    { ciphers: 'ECDHE-ECDSA-AES128-SHA:ECDHE-ECDSA-AES256-SHA384', maxVersion: 'TLSv1.2' },
    /CBC/,
  ],
}

describe('TLS', { concurrency: 6 }, () => {
  for (const [what, [name, env, isTrusted, host]] of Object.entries(CASES)) {
    test(`${what} is ${isTrusted ? 'accepted' : 'rejected'}, as by fetch`, async (t) => {
      const { server, baseUrl, store } = await createSecureWorld(t, certificate(name), host)
      assert.equal(await fetchAccepts(t, store.url, env), isTrusted, 'so does fetch')
      server.requests.length = 0
      const { app } = await startSubject(t, { store, env: { ...env, SHAZBOT_GOSSIP_INTERVAL: '60' } })
      assert.equal(isOnline(await app.call('shazbotGetServerList'), baseUrl), isTrusted, app.output())
      if (isTrusted) return
      assert.deepEqual(server.requests, [], 'no byte is sent to it')
      await eventually(
        () => app.output('stderr').includes(`Failed to download master list from ${store.url}:`),
        {
          what: 'a log',
        },
      )
      assert.match(app.output('stderr'), /certificate/i)
    })
  }

  test('gossip, download and upload work over https', async (t) => {
    const { server, store } = await createSecureWorld(t, certificate('self-signed'))
    const env = {
      ...trusting('self-signed'),
      SHAZBOT_MASTER_ANNOUNCE_MINIMUM: '0',
      SHAZBOT_MASTER_ANNOUNCE_INTERVAL: '0',
    }
    const { app } = await startSubject(t, { store, env })
    const seen = (method) => server.requests.filter((request) => request.method === method)
    await eventually(() => seen('PUT').length > 0 && seen('POST').length >= 3, {
      what: 'all kinds of requests',
    })
    assert.equal(seen('POST')[0].header('authorization'), SECRET)
    assert.equal(seen('PUT')[0].header('authorization'), UPLOAD_AUTH)
    assert.equal(seen('GET')[0].header('authorization'), undefined)
    assert.equal(app.output('stderr'), '')
  })

  for (const version of ['TLSv1.2', 'TLSv1.3']) {
    test(`${version} is supported`, async (t) => {
      const secure = certificate('self-signed', { minVersion: version, maxVersion: version })
      const { baseUrl, store } = await createSecureWorld(t, secure)
      const { app } = await startSubject(t, { store, env: trusting('self-signed') })
      assert.ok(isOnline(await app.call('shazbotGetServerList'), baseUrl), app.output())
    })
  }

  for (const [what, [name, options, reason]] of Object.entries(UNSUPPORTED)) {
    test(`${what} is not supported, with a clear reason in the log`, async (t) => {
      const { server, store } = await createSecureWorld(t, certificate(name, options))
      const { app } = await startSubject(t, { store, env: trusting(name) })
      await eventually(() => reason.test(app.output('stderr')), { what: 'the reason in the log' })
      assert.deepEqual(server.requests, [])
    })
  }

  test('a peer with a rejected certificate is not shown, like any unreachable one', async (t) => {
    const { server, baseUrl } = await createSecureWorld(t, certificate('other-host'))
    const { app } = await startSubject(t, {
      servers: [entry(baseUrl, aWhileAgo())],
      env: trusting('self-signed'),
    })
    await eventually(async () => !isOnline(await app.list(), baseUrl), { what: 'it is hidden' })
    assert.match(app.output('stderr'), /Failed to send gossip message to .*certificate/)
    assert.deepEqual(server.requests, [])
  })

  test('NODE_TLS_REJECT_UNAUTHORIZED=0 and a missing file cause a warning', async (t) => {
    for (const env of [{ ...NOTHING, NODE_TLS_REJECT_UNAUTHORIZED: '0' }, trusting('nowhere')]) {
      const { app } = await startSubject(t, { env })
      const name = env.NODE_EXTRA_CA_CERTS ? 'nowhere.pem' : 'NODE_TLS_REJECT_UNAUTHORIZED'
      const lines = () =>
        app.lines.filter(({ text }) => text.startsWith('Clustershazbot') && text.includes(name))
      await eventually(() => lines().length === 1, { what: `a warning about ${name}` })
    }
  })

  test('http on a TLS port and TLS on an http port are failed exchanges', async (t) => {
    const secure = await createSecureWorld(t, certificate('self-signed'))
    const plain = await createRawServer(t, () => healthy(`${plain.origin}/`))
    const wrong = [secure.baseUrl.replace('https', 'http'), `${plain.origin.replace('http', 'https')}/`]
    const servers = wrong.map((baseUrl) => entry(baseUrl, aWhileAgo()))
    const { app } = await startSubject(t, { servers, env: trusting('self-signed') })
    await eventually(
      async () => {
        const list = await app.list()
        return !wrong.some((baseUrl) => isOnline(list, baseUrl))
      },
      { within: 60_000, what: 'both are hidden' },
    )
  })
})
