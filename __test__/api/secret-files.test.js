'use strict'

const { describe, test } = require('node:test')
const assert = require('node:assert/strict')
const { renameSync, rmSync, writeFileSync } = require('node:fs')
const { CONTROL_SECRET, SECRET, UPLOAD_AUTH } = require('../support/environment')
const { captureConsole, gossip, prepare, shazbot, start } = require('../support/in-process')
const { createFakePeer } = require('../support/fake-peer')
const { createSecretFiles } = require('../support/secret-files')
const { aWhileAgo } = require('../support/entries')
const { eventually } = require('../support/eventually')

const { shazbotStart, shazbotControlRequest, shazbotListRequest } = shazbot

/** The engine promises a second; the rest is for a busy machine. */
const USED_WITHIN = 8_000

const [OLD, NEW] = ['old-secret-of-the-tests', 'new-secret-of-the-tests']

const ALL = {
  SHAZBOT_SECRET: `${SECRET}\n`,
  SHAZBOT_SECRET_PREVIOUS: `${OLD}\r\n\r\n  another-old-secret\r\n`,
  SHAZBOT_CONTROL_SECRET: CONTROL_SECRET,
  SHAZBOT_CONTROL_SECRET_PREVIOUS: '\n',
  SHAZBOT_MASTER_LIST_UPDATE_AUTH: `\t${UPLOAD_AUTH} \n`,
}

/** Whether a gossip request with this secret is accepted. */
async function accepts(secret) {
  try {
    await gossip({ online: [] }, secret)
    return true
  } catch (error) {
    assert.equal(error.code, 'SHAZBOT_UNAUTHORIZED')
    return false
  }
}

/** Resolves once a secret is accepted, or rejected; reports how long that took. */
async function becomes(t, secret, isAccepted) {
  const began = performance.now()
  const what = `${secret} is ${isAccepted ? 'accepted' : 'rejected'}`
  await eventually(async () => (await accepts(secret)) === isAccepted, { within: USED_WITHIN, what })
  t.diagnostic(`${what} after ${Math.round(performance.now() - began)} ms`)
}

const textOf = ({ values }) => values.join(' ')

describe('previous secrets', () => {
  test('are accepted beside the current one, and the control secrets for control requests and full lists', async (t) => {
    const env = {
      SHAZBOT_SECRET_PREVIOUS: `${OLD}\n another-old-secret \r\n`,
      SHAZBOT_CONTROL_SECRET_PREVIOUS: 'old-control-secret',
    }
    await start(t, { env })
    for (const secret of [SECRET, OLD, ` ${OLD}`, 'another-old-secret'])
      assert.ok(await accepts(secret), secret)
    for (const secret of ['', OLD.slice(1), `${OLD}\nanother-old-secret`, 'old-control-secret']) {
      assert.ok(!(await accepts(secret)), secret)
    }
    for (const secret of [CONTROL_SECRET, 'old-control-secret']) {
      assert.ok((await shazbotListRequest(secret)).offline, secret)
      await shazbotControlRequest(secret, { message: 'control', online: true })
    }
    assert.ok(!(await shazbotListRequest(OLD)).offline)
    await assert.rejects(shazbotControlRequest(OLD, { message: 'control', online: false }), {
      code: 'SHAZBOT_UNAUTHORIZED',
    })
  })

  test('are at most eight, each of which can be a header value', async (t) => {
    const eight = Array.from({ length: 8 }, (_, index) => `secret number ${index} of eight`)
    await prepare(t, { env: { SHAZBOT_SECRET_PREVIOUS: [...eight, 'hunter2'].join('\n') } })
    captureConsole(t)
    await assert.rejects(shazbotStart(), {
      code: 'SHAZBOT_CONFIG',
      message: 'Environment variable SHAZBOT_SECRET_PREVIOUS must be at most 8 secrets, one per line',
    })
    process.env.SHAZBOT_SECRET_PREVIOUS = 'fine\nhunter2 €'
    await assert.rejects(shazbotStart(), ({ message }) => {
      return /SHAZBOT_SECRET_PREVIOUS must be one secret per line/.test(message) && !/hunter2/.test(message)
    })
    process.env.SHAZBOT_SECRET_PREVIOUS = eight.join('\n')
    await shazbotStart()
    assert.ok(await accepts(eight[7]))
  })
})

describe('secrets in files', () => {
  test('work like those in variables, without the whitespace around them', async (t) => {
    const files = createSecretFiles(t, ALL)
    const env = {
      ...files.env,
      SHAZBOT_MASTER_ANNOUNCE_MINIMUM: '1',
      SHAZBOT_MASTER_ANNOUNCE_INTERVAL: '0',
    }
    const { store } = await start(t, { env })
    for (const secret of [SECRET, OLD, 'another-old-secret']) assert.ok(await accepts(secret), secret)
    assert.ok((await shazbotListRequest(CONTROL_SECRET)).offline)
    await eventually(() => store.puts.length > 0, { what: 'an upload' })
    assert.equal(store.puts[0].headers.authorization, UPLOAD_AUTH)
  })

  test('and a variable that is set as well refuse the start', async (t) => {
    const files = createSecretFiles(t, ALL)
    await prepare(t, { env: files.env })
    captureConsole(t)
    for (const name of Object.keys(ALL)) {
      process.env[name] = 'set as well'
      await assert.rejects(shazbotStart(), {
        code: 'SHAZBOT_CONFIG',
        message: `Environment variable ${name}_FILE must be unset if ${name} is set`,
      })
      process.env[name] = ' '
    }
    await shazbotStart()
  })

  for (const [what, content, reason] of [
    ['missing', undefined, /it cannot be read \(.*os error/],
    ['empty', ' \n', /it is empty$/],
    ['too large', 'hunter2'.repeat(100_000), /it is larger than 128 kB$/],
    ['no UTF-8', Buffer.from([0x68, 0xff]), /it cannot be read \(.*UTF-8/],
    ['no header value', 'hunter2\nhunter2 €', /its content must be /],
  ]) {
    test(`that are ${what} refuse the start, without a word of their content`, async (t) => {
      const files = createSecretFiles(t, ALL)
      await prepare(t, { env: files.env })
      const lines = captureConsole(t)
      for (const [name, secret] of Object.entries(ALL)) {
        // Without previous secrets, a file of them is empty.
        if (what === 'empty' && name.endsWith('_PREVIOUS')) continue
        if (content === undefined) rmSync(files.path(name))
        else files.swap({ [name]: content })
        await assert.rejects(shazbotStart(), (error) => {
          const beginning = `Environment variable ${name}_FILE must be the path of a file for ${name}, but `
          assert.ok(error.message.startsWith(beginning), error.message)
          assert.match(error.message, reason)
          assert.ok(!error.message.includes('hunter2') && !error.message.includes(files.directory))
          return error.code === 'SHAZBOT_CONFIG' && !('missing' in error)
        })
        if (content === undefined) writeFileSync(files.path(name), secret)
        else files.swap({ [name]: secret })
      }
      assert.deepEqual(lines, [])
      await shazbotStart()
    })
  }

  test('that are no regular files refuse the start at once', async (t) => {
    await prepare(t, { env: { SHAZBOT_SECRET: undefined } })
    captureConsole(t)
    for (const file of [__dirname, ...(process.platform === 'win32' ? [] : ['/dev/null'])]) {
      process.env.SHAZBOT_SECRET_FILE = file
      await assert.rejects(shazbotStart(), { code: 'SHAZBOT_CONFIG', message: /it is not a regular file$/ })
    }
  })

  test('do not count as missing variables', async (t) => {
    const files = createSecretFiles(t, ALL)
    await prepare(t, { env: { ...files.env, SHAZBOT_BASE_URL: '', SHAZBOT_MASTER_LIST: undefined } })
    captureConsole(t)
    await assert.rejects(shazbotStart(), { missing: ['SHAZBOT_MASTER_LIST', 'SHAZBOT_BASE_URL'] })
  })
})

describe('changed files', () => {
  test('are used within a second, however they are replaced', async (t) => {
    const files = createSecretFiles(t, { SHAZBOT_SECRET: OLD })
    const { lines } = await start(t, { env: files.env })
    assert.ok(await accepts(OLD))
    files.swap({ SHAZBOT_SECRET: `${NEW}\n` })
    await becomes(t, NEW, true)
    assert.ok(!(await accepts(OLD)))

    const path = files.path('SHAZBOT_SECRET')
    writeFileSync(`${path}-new`, OLD)
    renameSync(`${path}-new`, path)
    await becomes(t, OLD, true)
    writeFileSync(path, NEW)
    await becomes(t, NEW, true)
    assert.ok(!(await accepts(OLD)))
    await eventually(
      () => lines.filter((line) => textOf(line).includes('SHAZBOT_SECRET_FILE was read')).length === 3,
    )
    assert.ok(!lines.some((line) => textOf(line).includes(NEW)))
  })

  test('are found if the process has changed its directory', async (t) => {
    const files = createSecretFiles(t, { SHAZBOT_SECRET: OLD })
    const before = process.cwd()
    t.after(() => process.chdir(before))
    process.chdir(files.directory)
    await start(t, { env: { ...files.env, SHAZBOT_SECRET_FILE: 'SHAZBOT_SECRET' } })
    process.chdir(before)
    files.swap({ SHAZBOT_SECRET: NEW })
    await becomes(t, NEW, true)
  })

  test('of previous secrets may become empty, which means none', async (t) => {
    const files = createSecretFiles(t, { SHAZBOT_SECRET_PREVIOUS: OLD, SHAZBOT_CONTROL_SECRET_PREVIOUS: NEW })
    await start(t, { env: files.env })
    assert.ok(await accepts(OLD))
    assert.ok((await shazbotListRequest(NEW)).offline)
    files.swap({ SHAZBOT_SECRET_PREVIOUS: '', SHAZBOT_CONTROL_SECRET_PREVIOUS: '\n' })
    await becomes(t, OLD, false)
    assert.ok(await accepts(SECRET))
    assert.ok(!(await shazbotListRequest(NEW)).offline)
  })

  test('that are broken keep the last secret, and are logged once', async (t) => {
    const files = createSecretFiles(t, { SHAZBOT_SECRET: SECRET, SHAZBOT_SECRET_PREVIOUS: '' })
    const { lines } = await start(t, { env: files.env })
    const faults = () =>
      lines.map(textOf).filter((text) => text.includes('SHAZBOT_SECRET_FILE cannot be used'))
    const broken = [
      ['', /it is empty$/],
      ['hunter2 €', /HTTP header/],
      [undefined, /it cannot be read/],
    ]
    for (const [index, [content, reason]] of broken.entries()) {
      if (content === undefined) rmSync(files.path('SHAZBOT_SECRET'))
      else files.swap({ SHAZBOT_SECRET: content })
      await eventually(() => faults().length === index + 1, { within: USED_WITHIN, what: 'a log line' })
      assert.match(faults()[index], reason)
      // A change of another file takes two checks more, in which nothing else is logged.
      files.swap({ SHAZBOT_SECRET_PREVIOUS: `another-old-secret-${index}` })
      await becomes(t, `another-old-secret-${index}`, true)
      assert.equal(faults().length, index + 1)
      assert.ok(await accepts(SECRET))
    }
    writeFileSync(files.path('SHAZBOT_SECRET'), NEW)
    await becomes(t, NEW, true)
    assert.equal(faults().length, broken.length)
    assert.ok(!lines.map(textOf).join().includes('hunter2'))
  })

  test('cause warnings about weak secrets', async (t) => {
    const files = createSecretFiles(t, { SHAZBOT_SECRET: SECRET })
    const { lines } = await start(t, { env: files.env })
    files.swap({ SHAZBOT_SECRET: 'hunter2' })
    await becomes(t, 'hunter2', true)
    await eventually(() => lines.some((line) => /SHAZBOT_SECRET is shorter than 16/.test(textOf(line))))
    assert.ok(!lines.map(textOf).join().includes('hunter2'))
  })
})

describe('gossip to a server of version 1', () => {
  test('is sent with the current secret, and after a 401 with the one that the server accepts', async (t) => {
    const peer = await createFakePeer(t)
    let accepted = OLD
    peer.onGossip = ({ headers }) =>
      headers.authorization === accepted
        ? undefined
        : { status: 401, body: { error: 'Unauthorized: Invalid SHAZBOT_SECRET' } }
    const files = createSecretFiles(t, { SHAZBOT_SECRET: NEW, SHAZBOT_SECRET_PREVIOUS: OLD })
    const env = { ...files.env, SHAZBOT_GOSSIP_INTERVAL: '0.2', SHAZBOT_PROBE_INTERVAL: '0' }
    const { lines } = await start(t, { servers: [peer.entry(aWhileAgo())], env })
    const sent = () => peer.gossips.map(({ headers }) => headers.authorization)

    await eventually(() => sent().length >= 5, { what: 'gossip' })
    assert.deepEqual(sent().slice(0, 5), [NEW, OLD, OLD, OLD, OLD], 'the accepted secret is remembered')

    accepted = NEW
    const before = sent().length
    await eventually(
      () =>
        sent()
          .slice(before)
          .filter((secret) => secret === NEW).length >= 3,
    )
    const after = sent().slice(before)
    assert.ok(after.filter((secret) => secret === OLD).length <= 2, `one failure, and one underway: ${after}`)

    files.swap({ SHAZBOT_SECRET_PREVIOUS: '' })
    await becomes(t, OLD, false)
    accepted = 'unknown'
    await eventually(() => lines.some((line) => /Failed to send gossip/.test(textOf(line))))
    assert.equal(sent().at(-1), NEW, 'without previous secrets there is no retry')
  })
})
