'use strict'

/** What `doctor` finds. */

const assert = require('node:assert/strict')
const { describe, test } = require('node:test')
const { startAdapterServer } = require('../support/adapter-server')
const { spawnApp } = require('../support/app')
const { certificate, fixture } = require('../support/certificates')
const { runCli } = require('../support/cli')
const { aWhileAgo, entry } = require('../support/entries')
const { CONTROL_SECRET, SECRET, environment } = require('../support/environment')
const { eventually } = require('../support/eventually')
const { createMasterListStore } = require('../support/master-list-store')
const { examine, startServer } = require('../support/doctor')
const { deadBaseUrl } = require('../support/ports')
const { createRawServer, healthy } = require('../support/raw-server')
const { REFERENCE, startSubject } = require('../support/subject')

const SECRETS = { SHAZBOT_CONTROL_SECRET: CONTROL_SECRET, SHAZBOT_SECRET: SECRET }
const LARGE_BODIES = { bodyLimit: 1024 * 1024 }

describe('cli: doctor', { concurrency: 3 }, () => {
  test('finds nothing wrong with clusters of either version', async (t) => {
    const store = await createMasterListStore(t)
    const { app } = await startSubject(t, { store, ...LARGE_BODIES })
    store.write([entry(app.baseUrl, aWhileAgo())])
    const legacy = await spawnApp(t, { modulePath: REFERENCE, env: environment(store), ...LARGE_BODIES })
    await eventually(async () => (await app.list()).online.length === 2, { what: 'they see each other' })
    for (const { baseUrl } of [app, legacy]) {
      const env = environment(store, { SHAZBOT_BASE_URL: baseUrl })
      const { code, findings, said } = await examine(t, baseUrl, env)
      assert.equal(code, 0, JSON.stringify(findings, undefined, 1))
      assert.ok(
        findings.every(({ outcome }) => outcome !== 'skipped'),
        JSON.stringify(findings),
      )
      assert.deepEqual(said('answer'), [`${baseUrl} answers, and lists itself as online.`])
      assert.deepEqual(said('secrets'), [
        'The gossip route rejects a wrong secret with 401.',
        'The control route rejects a wrong secret with 401.',
        'The control secret is right.',
        baseUrl === app.baseUrl
          ? 'The server proves that it has the same SHAZBOT_SECRET.'
          : 'The server accepts SHAZBOT_SECRET.',
      ])
      assert.deepEqual(said('body'), ['A body of 200 kB passes.'])
      assert.deepEqual(said('views'), ['All 2 servers see the same 2 online.'])
      assert.deepEqual(said('clocks'), ['The clocks agree within 5 s.'])
      assert.ok(said('master list', 'ok').includes('The store of the master list knows conditions.'))
    }
    assert.equal((await app.list()).online.length, 2, 'it has changed nothing')
  })

  test('finds nothing wrong with an adapter', async (t) => {
    const { baseUrl } = await startAdapterServer(t, 'node:http')
    // The server names another base URL than its port.
    const { code, said } = await examine(t, baseUrl, SECRETS)
    assert.equal(code, 1)
    assert.match(
      said('answer', 'wrong')[0],
      /is not in its own list, which has http:\/\/127\.0\.0\.1:9\/me\/\. Use the/,
    )
    assert.deepEqual(said('body'), ['A body of 200 kB passes.'])
    assert.ok(said('secrets').includes('The server proves that it has the same SHAZBOT_SECRET.'))
  })

  test('writes a line for each finding, and what to do', async (t) => {
    const { baseUrl } = await startServer(t, ({ text }) =>
      text.length > 100_000 ? { status: 413, body: '' } : undefined,
    )
    const { code, lines } = await runCli(t, ['doctor', baseUrl], { env: SECRETS })
    assert.equal(code, 1)
    assert.ok(
      lines.includes(`ok       answer       ${baseUrl} answers, and lists itself as online.`),
      lines.join('\n'),
    )
    const place = lines.findIndex((line) =>
      line.startsWith('wrong    body         A body of 200 kB is rejected'),
    )
    assert.match(lines[place + 1], /^ {22}Mount an adapter before body parsers/)
    assert.equal(lines.at(-1), `1 wrong, 0 warnings; asked ${baseUrl}`)
  })

  test('needs no variables, and says what it has left out', async (t) => {
    const { baseUrl, requests } = await startServer(t)
    const { code, said } = await examine(t, baseUrl)
    assert.equal(code, 0)
    assert.match(said('variables', 'skipped')[0], /not set here\. Run doctor where the server runs/)
    assert.equal(said('secrets', 'skipped').length, 2)
    assert.equal(said('master list', 'skipped').length, 1)
    // Both wrong secrets, and neither of the right ones.
    const sent = new Set(requests.map(({ headers }) => headers.authorization).filter(Boolean))
    assert.ok([...sent].every((secret) => secret.startsWith('wrong-')))
  })
})

describe('cli: doctor finds', { concurrency: 3 }, () => {
  const complete = (change) => ({
    ...environment({ url: 'http://127.0.0.1:9/list' }, { SHAZBOT_BASE_URL: 'http://127.0.0.1:9/' }),
    ...change,
  })
  const variables = {
    'missing variables': [
      { SHAZBOT_SECRET: '', SHAZBOT_MASTER_LIST: '' },
      'wrong',
      /^Missing: SHAZBOT_SECRET, SHAZBOT_MASTER_LIST\./,
    ],
    'invalid values': [
      { SHAZBOT_GOSSIP_INTERVAL: '0' },
      'wrong',
      /SHAZBOT_GOSSIP_INTERVAL .* shazbotStart\(\) rejects/,
    ],
    'unusable files': [
      { SHAZBOT_SECRET: '', SHAZBOT_SECRET_FILE: '/nowhere' },
      'wrong',
      /SHAZBOT_SECRET_FILE/,
    ],
    'unknown variables': [
      { SHAZBOT_SECRETS: 'x' },
      'warning',
      /SHAZBOT_SECRETS is unknown; did you mean SHAZBOT_SECRET\?/,
    ],
    'short secrets': [{ SHAZBOT_SECRET: 'short' }, 'warning', /shorter than 16/],
    'intervals in milliseconds': [{ SHAZBOT_GOSSIP_INTERVAL: '30000' }, 'warning', /SHAZBOT_GOSSIP_INTERVAL/],
  }
  for (const [what, [change, outcome, expected]] of Object.entries(variables))
    test(what, async (t) => {
      const { baseUrl } = await startServer(t)
      const { said } = await examine(t, baseUrl, complete(change))
      assert.ok(
        said('variables', outcome).some((text) => expected.test(text)),
        said('variables').join('\n'),
      )
    })

  test('a server that is not reached, or does not allow anything', async (t) => {
    const dead = await examine(t, await deadBaseUrl())
    assert.equal(dead.code, 3)
    assert.match(dead.said('answer', 'wrong')[0], /refused the connection\. Check/)
    const { baseUrl } = await startServer(t, () => ({ status: 401, body: { error: 'Unauthorized' } }))
    assert.equal((await examine(t, baseUrl)).code, 4)
  })

  test('a drained server, without bringing it back', async (t) => {
    const { app } = await startSubject(t, LARGE_BODIES)
    await app.drain()
    const { code, said } = await examine(t, app.baseUrl, SECRETS)
    assert.equal(code, 1)
    assert.match(
      said('answer', 'wrong')[0],
      /lists itself as offline\. It is drained: .*clustershazbot resume/,
    )
    assert.match(said('secrets', 'skipped')[0], /control route was not tried/)
    assert.deepEqual((await app.list()).online, [])
  })

  const routes = {
    'a gossip route that accepts all': [
      '/gossip',
      200,
      /The gossip route accepts a wrong secret with 200\. Anyone who/,
    ],
    'a control route that accepts all': [
      '/control',
      200,
      /The control route accepts a wrong secret with 200\./,
    ],
    'a gossip route that is not there': [
      '/gossip',
      404,
      /The gossip route answers 404 .* Mount the route for POST/,
    ],
    'a control route with another status': [
      '/control',
      500,
      /The control route answers 500 .* error\.status/,
    ],
  }
  for (const [what, [route, status, expected]] of Object.entries(routes))
    test(what, async (t) => {
      const { baseUrl } = await startServer(t, ({ path }) =>
        path.endsWith(route) ? { status, body: {} } : undefined,
      )
      const { code, said } = await examine(t, baseUrl)
      assert.equal(code, 1)
      assert.match(said('secrets', 'wrong').join('\n'), expected)
    })

  test('a status that is shown to all, and a wrong read secret', async (t) => {
    const statusWith = (isShown) =>
      startServer(t, ({ path, headers }) => {
        if (!path.endsWith('/status')) return undefined
        return isShown(headers.authorization) ? { body: { phase: 'running' } } : { status: 401, body: {} }
      })
    const open = await examine(t, (await statusWith(() => true)).baseUrl)
    assert.match(open.said('secrets', 'wrong')[0], /^The status is shown with a wrong secret\. Anyone who/)
    const { baseUrl } = await statusWith((secret) => secret === 'right')
    const right = await examine(t, baseUrl, { SHAZBOT_READ_SECRET: 'right' })
    assert.deepEqual(right.said('secrets', 'ok').slice(-2), [
      'The status route rejects a wrong secret with 401.',
      'The read secret is right.',
    ])
    const wrong = await examine(t, baseUrl, { SHAZBOT_READ_SECRET: 'wrong' })
    assert.match(wrong.said('secrets', 'wrong')[0], /status route does not accept the read secret/)
  })

  test('wrong secrets of its own', async (t) => {
    const { app } = await startSubject(t, LARGE_BODIES)
    const legacy = await spawnApp(t, {
      modulePath: REFERENCE,
      env: environment(await createMasterListStore(t)),
      ...LARGE_BODIES,
    })
    const env = {
      SHAZBOT_CONTROL_SECRET: 'quite another control secret',
      SHAZBOT_SECRET: 'quite another secret',
    }
    for (const { baseUrl } of [app, legacy]) {
      const { code, said } = await examine(t, baseUrl, env)
      assert.equal(code, 1)
      const [control, gossip] = said('secrets', 'wrong')
      assert.match(control, /does not accept the control secret\. Set it to that of the servers/)
      const expected =
        baseUrl === app.baseUrl
          ? /proves another secret than SHAZBOT_SECRET/
          : /answers 401 to SHAZBOT_SECRET/
      assert.match(gossip, expected)
    }
  })

  test('a limit of bodies', async (t) => {
    const { app } = await startSubject(t)
    for (const env of [SECRETS, {}]) {
      const { code, said } = await examine(t, app.baseUrl, env)
      assert.equal(code, 1)
      assert.match(
        said('body', 'wrong')[0],
        /200 kB is rejected with 413, .* Mount an adapter before body parsers/,
      )
    }
  })

  test('a limit of an adapter, if it may send the secret', async (t) => {
    const { baseUrl } = await startServer(t, ({ text, headers }) => {
      return headers.authorization === SECRET && text.length > 100_000 ? { status: 413, body: '' } : undefined
    })
    assert.equal((await examine(t, baseUrl, SECRETS)).said('body', 'wrong').length, 1)
    const env = { ...SECRETS, SHAZBOT_LEGACY: 'off' }
    assert.equal((await examine(t, baseUrl, env)).said('body', 'ok').length, 1)
  })

  test('a body that breaks the connection', async (t) => {
    const { baseUrl } = await startServer(t, ({ text }) => {
      return text.length > 100_000 ? (response) => response.destroy() : undefined
    })
    const { said } = await examine(t, baseUrl)
    assert.match(said('body', 'wrong')[0], /^A body of 200 kB is not answered: .* closed the connection/)
  })

  test('a certificate that ends soon, and no TLS', async (t) => {
    const server = await createRawServer(t, () => healthy(baseUrl), { secure: certificate('issued') })
    const baseUrl = `${server.origin}/`
    const { said } = await examine(t, baseUrl, { SHAZBOT_TLS_CA: fixture('ca.pem') })
    assert.match(said('tls', 'ok')[0], /certificate of the server is trusted, and ends in \d+ d/)
    const env = { NODE_TLS_REJECT_UNAUTHORIZED: '0', NODE_NO_WARNINGS: '1' }
    assert.match((await examine(t, baseUrl, env)).said('tls', 'wrong')[0], /turns off the verification/)
    const { checkTransport } = require('../../js/cli/doctor/transport')
    const { findingsOf } = require('../../js/cli/doctor/finding')
    const valid_to = new Date(Date.now() + 3.5 * 86_400_000).toUTCString()
    const [soon] = await findingsOf('tls', (findings) =>
      checkTransport(findings, { url: new URL('https://a/'), certificate: { valid_to } }),
    )
    assert.deepEqual([soon.outcome, soon.finding], ['warning', 'The certificate of the server ends in 3 d.'])
    const [plain] = await findingsOf('tls', (findings) =>
      checkTransport(findings, { url: new URL('http://a/') }),
    )
    assert.equal(plain.outcome, 'warning')
  })

  test('clocks that differ', async (t) => {
    const inAWhile = () => new Date(Date.now() + 90 * 60_000).toUTCString()
    const wrongClock =
      (change) =>
      ({ path, method, headers: { authorization } }, baseUrl) => {
        if (method !== 'GET' || !path.endsWith('/list')) return undefined
        const offline = authorization === CONTROL_SECRET ? { offline: [] } : {}
        return {
          headers: { Date: inAWhile() },
          body: { online: change(baseUrl).map((url) => entry(url)), ...offline },
        }
      }
    const alone = await startServer(
      t,
      wrongClock((own) => [own]),
    )
    const { code, said } = await examine(t, alone.baseUrl)
    assert.equal(code, 1)
    assert.match(said('clocks', 'wrong')[0], new RegExp(`${alone.baseUrl} is 1 h ahead\\. Let all machines`))
    const others = [
      await startServer(
        t,
        wrongClock(() => urls),
      ),
      await startServer(
        t,
        wrongClock(() => urls),
      ),
    ]
    const urls = others.map(({ baseUrl }) => baseUrl)
    const among = await examine(t, urls[0])
    assert.match(among.said('clocks', 'wrong')[0], /^The clocks differ: this machine is 1 h behind\./)
  })

  test('views that differ, and servers that do not answer', async (t) => {
    const dead = await deadBaseUrl()
    const other = await startServer(t)
    const first = await startServer(t, ({ method, path }, baseUrl) => {
      if (method !== 'GET' || !path.endsWith('/list')) return undefined
      return { body: { online: [baseUrl, other.baseUrl, dead].map((url) => entry(url)) } }
    })
    const { code, said } = await examine(t, first.baseUrl)
    assert.equal(code, 1)
    const [differ, silent] = said('views', 'wrong')
    assert.match(differ, /^There are 2 different views among 3 servers\. clustershazbot views shows them/)
    assert.ok(silent.startsWith(`${dead} is online for others, but: `), silent)
  })
})
