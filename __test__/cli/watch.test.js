'use strict'

/** What `watch` writes, and how it goes on when its stream breaks. */

const assert = require('node:assert/strict')
const { describe, test } = require('node:test')
const { spawnApp } = require('../support/app')
const { startCli } = require('../support/cli')
const { aWhileAgo, entry } = require('../support/entries')
const { CONTROL_SECRET, environment } = require('../support/environment')
const { eventually } = require('../support/eventually')
const { createMasterListStore } = require('../support/master-list-store')
const { createScriptedStream, news } = require('../support/scripted-stream')
const { REFERENCE, startSubject } = require('../support/subject')

const ENV = { SHAZBOT_READ_SECRET: 'read-secret' }
const [A, B, C] = ['http://10.0.0.7:3000/', 'http://10.0.0.8:3000/', 'http://10.0.0.9:3000/']
const TIME = String.raw`\d\d:\d\d:\d\d`

const snapshot = (...states) => ({
  view: 3,
  at: Date.now(),
  snapshot: true,
  news: states.map((state) => news(...state)),
})
const change = (...pieces) => ({ ...snapshot(...pieces), snapshot: false })

/** Starts `watch` at a scripted stream; resolves when it reads. */
async function startWatch(t, { stream, args = [], ...options }) {
  const cli = startCli(t, ['watch', stream.baseUrl, ...args], { env: ENV, ...options })
  await eventually(() => stream.open.length === 1, { what: 'the stream is open' })
  return cli
}

const written = (cli, count) => eventually(() => cli.lines.length >= count, { what: `line ${count}` })

describe('cli: watch', { concurrency: 4 }, () => {
  test('writes each change in a line', async (t) => {
    const stream = await createScriptedStream(t)
    const cli = await startWatch(t, { stream })
    stream.send('snapshot', snapshot([A, 'online'], [B, 'online'], [C, 'left', { cause: 'said' }]), '1-3')
    await written(cli, 2)
    stream.send('change', change([B, 'suspect', { previous: 'online', cause: 'silent' }]), '1-4')
    stream.send('change', change([B, 'dead', { cause: 'rumour' }], [C, 'online', { cause: 'said' }]), '1-6')
    stream.send('status', { phase: 'running', isolated: false }, '1-6')
    stream.send('status', { phase: 'running', isolated: false, view: 7 }, '1-6')
    stream.send('status', { phase: 'running', isolated: true }, '1-6')
    stream.send('change', change([C, 'forgotten', { previous: 'online', cause: 'age' }]), '1-7')
    await written(cli, 8)
    assert.match(cli.lines[0], new RegExp(`^${TIME}  2 online, 1 offline; watching ${stream.baseUrl}$`))
    const rest = cli.lines.slice(1).map((line) => line.replace(new RegExp(`^${TIME}  `), ''))
    assert.deepEqual(rest, [
      `left       said      ${C}`,
      `suspect    silent    ${B}`,
      `dead       rumour    ${B}`,
      `online     said      ${C}`,
      `${stream.baseUrl} is running`,
      `${stream.baseUrl} is running, isolated`,
      `forgotten  age       ${C}`,
    ])
    assert.equal(stream.requests[0].headers.authorization, 'read-secret')
    assert.equal(stream.requests[0].headers.accept, 'text/event-stream')
    assert.equal(cli.stderr, '')
  })

  test('what a stream says cannot control the terminal', async (t) => {
    const said = '\u001b[31m\u009b31m\u202e'
    for (const args of [[], ['--json']]) {
      const stream = await createScriptedStream(t)
      const cli = await startWatch(t, { stream, args })
      stream.send('snapshot', snapshot([`http://a/${said}`, 'dead', { cause: said }]), '1-3')
      stream.send('status', { phase: said, isolated: false }, '1-3')
      await written(cli, 2)
      assert.doesNotMatch(cli.stdout, /[^\P{Cc}\n]|\p{Cf}/u)
    }
  })

  test('goes on after what is no news', async (t) => {
    const stream = await createScriptedStream(t)
    const cli = await startWatch(t, { stream })
    stream.send('snapshot', { news: 5 })
    const pieces = [5, null, { server: { baseUrl: C }, state: ['online'] }, { server: 5, state: 'online' }]
    for (const data of [5, null, { news: 'x' }, { news: pieces }]) stream.send('change', data)
    stream.send('change', change([B, 'online']))
    await written(cli, 2)
    assert.match(cli.lines[1], new RegExp(`^${TIME}  online .* ${B}$`))
    assert.equal(cli.stderr, '')
  })

  test('writes JSON, a value a line', async (t) => {
    const stream = await createScriptedStream(t)
    const cli = await startWatch(t, { stream, args: ['--json'] })
    stream.send('snapshot', snapshot([A, 'online'], [B, 'suspect']), '1-3')
    stream.send('change', change([B, 'online', { previous: 'suspect', cause: 'said' }]), '1-4')
    stream.send('status', { phase: 'drained', isolated: false, online: 1 }, '1-5')
    await written(cli, 3)
    const [first, second, third] = cli.values
    const counts = { online: 0, suspect: 0, dead: 0, left: 0, offline: 0 }
    assert.deepEqual(
      first.news.map(({ type, state, server }) => [type, state, server.baseUrl]),
      [
        ['up', 'online', A],
        ['suspect', 'suspect', B],
      ],
    )
    assert.deepEqual(
      { ...first, news: [] },
      { event: 'snapshot', ...counts, online: 1, suspect: 1, news: [] },
    )
    assert.deepEqual({ ...second, news: [] }, { event: 'change', ...counts, online: 2, news: [] })
    const [piece] = second.news
    assert.deepEqual([piece.type, piece.previous, piece.cause], ['trust', 'suspect', 'said'])
    assert.deepEqual(third, { event: 'status', phase: 'drained', isolated: false, online: 1 })
  })

  for (const signal of ['SIGINT', 'SIGTERM'])
    test(`ends with 0 on ${signal}`, async (t) => {
      const stream = await createScriptedStream(t)
      const cli = await startWatch(t, { stream })
      stream.send('snapshot', snapshot([A, 'online']), '1-1')
      await written(cli, 1)
      cli.kill(signal)
      assert.deepEqual(await cli.exited, { code: 0, signal: null })
    })
})

describe('cli: a stream that breaks', { concurrency: 4 }, () => {
  test('goes on after the last event', async (t) => {
    const stream = await createScriptedStream(t)
    const cli = await startWatch(t, { stream })
    stream.send('snapshot', snapshot([A, 'online'], [B, 'online']), '77-3')
    await written(cli, 1)
    stream.cut()
    await eventually(() => stream.open.length === 2, { what: 'it is opened again' })
    assert.equal(stream.requests[0].headers['last-event-id'], undefined)
    assert.equal(stream.requests[1].headers['last-event-id'], '77-3')
    stream.send('change', change([B, 'dead', { previous: 'online', cause: 'refused' }]), '77-4')
    await written(cli, 2)
    assert.match(cli.lines[1], /dead {7}refused {3}http:\/\/10\.0\.0\.8/)
    assert.match(
      cli.stderr,
      /^clustershazbot: lost \S+: .* closed the connection without an answer\. Trying again\.$/m,
    )
    assert.match(cli.stderr, /^clustershazbot: connected to \S+ again$/m)
  })

  test('writes only what a new snapshot has changed', async (t) => {
    const stream = await createScriptedStream(t)
    const cli = await startWatch(t, { stream, args: ['--json'] })
    stream.send('snapshot', snapshot([A, 'online'], [B, 'online'], [C, 'dead']), '77-3')
    await written(cli, 1)
    stream.end()
    await eventually(() => stream.open.length === 2, { what: 'it is opened again' })
    stream.send('snapshot', snapshot([A, 'online'], [B, 'suspect']), '78-9')
    await written(cli, 2)
    const { event, news } = cli.values[1]
    assert.equal(event, 'change')
    assert.deepEqual(
      news.map(({ type, previous, state, server }) => [type, previous, state, server.baseUrl]),
      [
        ['suspect', 'online', 'suspect', B],
        ['forget', 'dead', 'forgotten', C],
      ],
    )
    stream.cut()
    await eventually(() => stream.open.length === 3, { what: 'it is opened a third time' })
    assert.equal(stream.requests[2].headers['last-event-id'], '78-9')
    stream.send('snapshot', snapshot([A, 'online'], [B, 'suspect']), '78-9')
    stream.send('change', change([A, 'left']), '78-10')
    await written(cli, 3)
    assert.equal(cli.values[2].news.length, 1)
  })

  test('waits for a server that shuts down, and that is away', async (t) => {
    const stream = await createScriptedStream(t)
    const cli = await startWatch(t, { stream })
    stream.send('snapshot', snapshot([A, 'online']), '77-3')
    await written(cli, 1)
    stream.send('end', {}, '77-4')
    await eventually(() => /shuts down; waiting for it to come back/.test(cli.stderr), { what: 'the notice' })
    await stream.close()
    await eventually(() => /lost/.test(cli.stderr), { what: 'the loss' })
    await stream.listen()
    await eventually(() => stream.open.length === 2, { what: 'it is opened again' })
    stream.send('snapshot', snapshot([A, 'online'], [B, 'online']), '78-1')
    await written(cli, 2)
    assert.match(cli.lines[1], /online {5}answered {2}http:\/\/10\.0\.0\.8/)
    assert.equal(cli.stderr.match(/lost/g).length, 1, 'a loss is told once')
  })

  test('an event in pieces, with other line ends and comments', async (t) => {
    const stream = await createScriptedStream(t)
    const cli = await startWatch(t, { stream, args: ['--json'] })
    const data = JSON.stringify(snapshot([`${A}größe/`, 'online']))
    const bytes = Buffer.from(`: hello\r\n\r\nevent:snapshot\r\nid: 5-5\r\ndata: ${data}\r\n\r\n`)
    for (let place = 0; place < bytes.length; place += 7) {
      stream.raw(bytes.subarray(place, place + 7))
      await new Promise((resolve) => setImmediate(resolve))
    }
    await written(cli, 1)
    assert.equal(cli.values[0].news[0].server.baseUrl, `${A}größe/`)
  })

  test('ends with 4 when the secret is not accepted any more', async (t) => {
    let isRefused = false
    const refuse = () => isRefused && { status: 401, body: { error: 'Unauthorized' } }
    const answer = ({ path }) => (path.endsWith('/list') ? { body: { online: [entry(A)] } } : refuse())
    const stream = await createScriptedStream(t, { refuse, answer })
    const cli = await startWatch(t, { stream })
    stream.send('snapshot', snapshot([A, 'online']), '1-1')
    await written(cli, 1)
    isRefused = true
    stream.cut()
    assert.equal((await cli.exited).code, 4)
    assert.match(cli.stderr, /answered 401: .*\nSet SHAZBOT_CONTROL_SECRET/)
  })

  test('a stream without a place ends with 3', async (t) => {
    const stream = await createScriptedStream(t, { refuse: () => ({ status: 503, body: '' }) })
    const cli = startCli(t, ['watch', stream.baseUrl], { env: ENV })
    assert.equal((await cli.exited).code, 3)
    assert.match(cli.stderr, /answered 503: .*too many watchers\.\nTry again/)
  })
})

describe('cli: watch without a stream', { concurrency: 2 }, () => {
  for (const [version, startApp] of [
    [1, (t, store) => spawnApp(t, { modulePath: REFERENCE, env: environment(store) })],
    [2, async (t, store) => (await startSubject(t, { store })).app],
  ])
    test(`looks at the list of version ${version}`, async (t) => {
      const store = await createMasterListStore(t)
      const app = await startApp(t, store)
      const env = { SHAZBOT_CONTROL_SECRET: CONTROL_SECRET }
      const cli = startCli(t, ['watch', '--json', app.baseUrl], { env })
      await written(cli, 1)
      assert.equal(cli.values[0].event, 'snapshot')
      assert.equal(cli.values[0].online, 1)
      store.write([entry(app.baseUrl, aWhileAgo())])
      const { app: other } = await startSubject(t, { store })
      await written(cli, 2)
      const [up] = cli.values[1].news
      assert.deepEqual([up.type, up.server.baseUrl, up.cause], ['up', other.baseUrl, null])
      await other.leave()
      await written(cli, 3)
      const [gone] = cli.values[2].news
      assert.deepEqual([gone.type, gone.previous, gone.server.baseUrl], ['offline', 'online', other.baseUrl])
      await app.kill()
      await eventually(() => /lost/.test(cli.stderr), { what: 'the loss' })
      cli.kill('SIGINT')
      assert.equal((await cli.exited).code, 0)
    })

  test('says so if a secret is missing', async (t) => {
    const body = { online: [entry(A)] }
    const stream = await createScriptedStream(t, {
      refuse: () => ({ status: 401, body: { error: 'Unauthorized' } }),
      answer: ({ path }) => (path.endsWith('/list') ? { body } : { status: 401, body: {} }),
    })
    const cli = startCli(t, ['watch', stream.baseUrl])
    await written(cli, 1)
    assert.match(cli.stderr, /The stream needs a valid secret, so the list is looked at every 2 s/)
    body.online = []
    await written(cli, 2)
    assert.match(cli.lines[1], new RegExp(`^${TIME}  offline    -         ${A}$`))
  })
})
