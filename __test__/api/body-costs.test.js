'use strict'

/**
 * The cost of a body on the main thread. Each measurement alternates with `JSON.parse` of the same
 * text in the same process, and medians are compared, so that other load slows both.
 */

const assert = require('node:assert/strict')
const { performance } = require('node:perf_hooks')
const { describe, test } = require('node:test')
const { SECRET } = require('../support/environment')
const { BASE_URL, captureConsole, challenge, prepare, shazbot } = require('../support/in-process')
const { signPayload } = require('../support/native')
const { hangingMasterList } = require('../support/hanging-master-list')

/** The maximum cost of a body beyond an empty message, as a multiple of its own `JSON.parse`. */
const LIMIT = 5
/**
 * The maximum cost of a wrong secret or a forged signature in µs, and the factor allowed for load
 * in this test.
 */
const MAX_REJECTION_COST = 20
const LOAD_FACTOR = 5

const ENTRIES = 20_000
const ROUNDS = 15
const REJECTIONS = 20
const ATTEMPTS = 8
/** New servers in a body, and such bodies in an attempt. */
const NEW_ENTRIES = 4_000
const NEW_ROUNDS = 5
const OLD_STAMP = Date.now() - 3_600_000

const lists = (online, more) => JSON.stringify({ message: 'gossip', online, ...more })
const many = (make, count = ENTRIES) => Array.from({ length: count }, (_, index) => make(index))
const entries = (urlOf, count) =>
  lists(many((index) => ({ baseUrl: urlOf(index), monitor: false, lastUpdate: OLD_STAMP }), count))
const nested = (levels) => `${'['.repeat(levels)}${']'.repeat(levels)}`
const extended = (v2) =>
  lists([], {
    v2: { me: ['http://127.0.0.1:9/native/', 'alive', 7, OLD_STAMP, 0], id: 'f', kind: 'push', ...v2 },
  })

/** Bodies by content. They name the same servers each time, so only the first adds new ones. */
const BODIES = {
  null: lists(many(() => null)),
  numbers: lists(many((index) => index)),
  strings: lists(many(() => 'x')),
  booleans: lists(many(() => true)),
  'empty objects': lists(many(() => ({}))),
  'empty lists': lists(many(() => [])),
  'objects of many shapes': lists(many((index) => ({ [`key${index % 3_000}`]: 1 }), 6_000)),
  'texts for stamps': lists(many(() => ({ baseUrl: 'http://a/', lastUpdate: '1' }))),
  'stamps far ahead': lists(many(() => ({ baseUrl: 'http://a/', lastUpdate: 1e300 }))),
  'no URLs': entries((index) => `x${index}`),
  'this server': entries(() => BASE_URL),
  'this server in an unusual spelling': entries(() => BASE_URL.toUpperCase().replace('/ME/', '/me')),
  'known servers': entries((index) => `http://127.0.0.1:9/${index}/`, 5_000),
  'known servers in unusual spellings': entries((index) => `HTTP://127.0.0.1:9/${index}`, 5_000),
  'long names': entries(() => `http://a/${'x'.repeat(10_000)}`, 200),
  'long names of two bytes': entries(() => `http://a/\u20ac${'x'.repeat(10_000)}`, 200),
  'paths to encode': entries((index) => `http://127.0.0.1:9/${index}/${'é'.repeat(240)}`, 2_000),
  'hosts to be encoded': entries((index) => `http://${'é'.repeat(240)}${index}/`, 2_000),
  'hosts to be decoded': entries((index) => `http://${'%C3%A9'.repeat(80)}${index}/`, 2_000),
  'paths to be walked': entries((index) => `http://a/${index}/${'../'.repeat(160)}`, 2_000),
  'addresses to parse': entries((index) => `http://0x7f.${index}/`),
  'a deep v2': `{"online":[],"v2":{"me":${nested(50_000)}}}`,
  'a deep key in v2': extended({}).replace('"kind"', `"deep":${nested(50_000)},"kind"`),
  'many deep keys in v2': extended({}).replace(
    '"kind"',
    `"deep":[${many(() => nested(1_000), 50).join()}],"kind"`,
  ),
  'null for claims': extended({ claims: many(() => null) }),
  'short claims': extended({ claims: many(() => ['http://a/', 'alive']) }),
  claims: extended({
    claims: many((index) => [`http://127.0.0.1:9/n/${index % 50}/`, 'alive', 7, OLD_STAMP, 0]),
  }),
}

/** Those that are signed too. */
const SIGNED = ['a deep key in v2', 'null for claims', 'short claims', 'claims']

/** Base URLs that need a parser, each for another server. */
const NEW_SPELLINGS = {
  'odd spellings': (index) => `HTTP://EXAMPLE-${index}.com:80/x/../y`,
  'hosts in non-Latin scripts': (index) => `http://bücher-${index}.example/`,
  'hosts with emojis': (index) => `http://\u{1f600}${index}.example/`,
  'paths to encode': (index) => `http://h${index}/${'é'.repeat(240)}`,
}

const median = (numbers) => numbers.sort((a, b) => a - b)[numbers.length >> 1]

/** The main thread's time in µs: its CPU time on Linux, so that other processes do not count. */
async function time(act) {
  const { cpuTime } =
    process.platform === 'linux' ? await import('../../benches/support/cpu.mjs') : { cpuTime: busy }
  const before = cpuTime()
  await act()
  return cpuTime() - before
}

/** All time in µs except that in which the event loop waits. */
const busy = () => (performance.now() - performance.nodeTiming.idleTime) * 1_000

const send = (body, authorization = SECRET) => shazbot.shazbotGossipRequest(authorization, body)

/** Several in a row, so that cold caches after the previous body do not count. */
async function sendWithWrongSecret(body) {
  for (let count = 0; count < REJECTIONS; count++) await send(body, 'wrong').catch(() => {})
}

/**
 * Returns the medians for a body, its parse, an empty message, and the body with a wrong secret.
 */
async function measure(text, make = (text) => [JSON.parse(text), SECRET]) {
  const times = { parse: [], body: [], empty: [], rejected: [] }
  await send(...make(text))
  for (let round = 0; round < ROUNDS; round++) {
    times.parse.push(await time(() => JSON.parse(text)))
    const [body, authorization] = make(text)
    times.body.push(await time(() => send(body, authorization)))
    times.empty.push(await time(() => send({ message: 'gossip', online: [] })))
    times.rejected.push((await time(() => sendWithWrongSecret(body))) / REJECTIONS)
  }
  const medians = Object.fromEntries(Object.entries(times).map(([name, all]) => [name, median(all)]))
  return { ...medians, ratio: (medians.body - medians.empty) / medians.parse }
}

/**
 * The same for bodies with only new servers. There are too few for medians, so it compares the
 * cheapest of each. The empty messages come last, because their responses then contain the same
 * servers.
 */
async function measureNew(urlOf) {
  const times = { parse: [], body: [], empty: [] }
  for (let round = 0; round < NEW_ROUNDS; round++) {
    const text = entries(urlOf, NEW_ENTRIES)
    times.parse.push(await time(() => JSON.parse(text)))
    const body = JSON.parse(text)
    times.body.push(await time(() => send(body)))
    times.empty.push(await time(() => send({ message: 'gossip', online: [] })))
  }
  const [parse, body, empty] = Object.values(times).map((all) => Math.min(...all))
  return { parse, body, empty, rejected: 0, ratio: (body - empty) / parse }
}

/** The same, each time in an engine that knows no server: the more it knows, the more all costs. */
async function measureNewAfresh(urlOf) {
  await shazbot.shazbotShutDown()
  shazbot.shazbotStart().catch(() => {})
  let next = 0
  return measureNew(() => urlOf(next++))
}

/**
 * Returns the first measurement that passes, or the last one, because other load may hit one side
 * harder.
 */
async function atBest(measured) {
  for (let attempt = 1; ; attempt++) {
    const times = await measured()
    if (attempt === ATTEMPTS || (times.ratio <= LIMIT && times.rejected <= MAX_REJECTION_COST * LOAD_FACTOR))
      return times
  }
}

const rounded = ({ ratio, ...times }) =>
  Object.entries(times)
    .map(([name, us]) => `${name} ${us.toFixed(0)} µs`)
    .join(', ')

describe('the cost of a body', () => {
  for (const [what, text] of Object.entries(BODIES)) {
    test(what, async (t) => {
      await prepare(t, { store: await hangingMasterList(t) })
      captureConsole(t)
      shazbot.shazbotStart().catch(() => {})
      const times = await atBest(() => measure(text))
      t.diagnostic(`${times.ratio.toFixed(2)} times its parse: ${rounded(times)}`)
      assert.ok(times.ratio <= LIMIT, `with the secret: ${rounded(times)}`)
      assert.ok(times.rejected <= MAX_REJECTION_COST * LOAD_FACTOR, `without: ${rounded(times)}`)
    })
  }

  for (const what of SIGNED) {
    test(`${what}, signed`, async (t) => {
      await prepare(t, { store: await hangingMasterList(t) })
      captureConsole(t)
      shazbot.shazbotStart().catch(() => {})
      const proof = await challenge()
      // The payload is the extension alone.
      const v2 = BODIES[what].slice(BODIES[what].indexOf('"v2":') + 5, -1)
      const times = await atBest(() =>
        measure(v2, (text) => {
          const payload = Buffer.from(text).toString('base64url')
          return [{ online: [], v2: payload }, signPayload(payload, proof).header]
        }),
      )
      t.diagnostic(`${times.ratio.toFixed(2)} times its parse: ${rounded(times)}`)
      assert.ok(times.ratio <= LIMIT, rounded(times))
    })
  }

  test('with a forged signature', async (t) => {
    await prepare(t, { store: await hangingMasterList(t) })
    captureConsole(t)
    shazbot.shazbotStart().catch(() => {})
    const { header } = signPayload('e30', await challenge())
    const fields = header.split('.')
    fields[7] = 'A'.repeat(fields[7].length)
    const sendForged = async () => {
      for (let count = 0; count < ROUNDS * REJECTIONS; count++)
        await send({}, fields.join('.')).catch(() => {})
    }
    const costs = []
    for (let attempt = 0; attempt < ATTEMPTS; attempt++)
      costs.push((await time(sendForged)) / (ROUNDS * REJECTIONS))
    t.diagnostic(`${Math.min(...costs).toFixed(1)} µs`)
    assert.ok(Math.min(...costs) <= MAX_REJECTION_COST * LOAD_FACTOR, `${costs} µs`)
  })

  test('new servers', async (t) => {
    await prepare(t, { store: await hangingMasterList(t) })
    captureConsole(t)
    const times = await atBest(() => measureNewAfresh((index) => `http://127.0.0.1:9/new/${index}/`))
    assert.equal(shazbot.shazbotGetServerList().online.length, NEW_ENTRIES * NEW_ROUNDS + 1)
    t.diagnostic(`${times.ratio.toFixed(2)} times its parse: ${rounded(times)}`)
    assert.ok(times.ratio <= LIMIT, rounded(times))
  })

  for (const [what, urlOf] of Object.entries(NEW_SPELLINGS)) {
    test(`new servers with ${what}`, async (t) => {
      await prepare(t, { store: await hangingMasterList(t) })
      captureConsole(t)
      const times = await atBest(() => measureNewAfresh(urlOf))
      t.diagnostic(`${times.ratio.toFixed(2)} times its parse: ${rounded(times)}`)
      assert.ok(times.ratio <= LIMIT, rounded(times))
    })
  }

  test('holes', async (t) => {
    await prepare(t, { store: await hangingMasterList(t) })
    captureConsole(t)
    shazbot.shazbotStart().catch(() => {})
    const times = await atBest(() => measure(BODIES.null, () => [{ online: new Array(ENTRIES) }, SECRET]))
    assert.ok(times.ratio <= LIMIT, rounded(times))
  })
})
