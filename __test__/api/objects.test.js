'use strict'

/**
 * Requests and responses as objects: only data that JavaScript lacks crosses the boundary, and
 * programs must not notice.
 */

const assert = require('node:assert/strict')
const { once } = require('node:events')
const path = require('node:path')
const { test } = require('node:test')
const { Worker } = require('node:worker_threads')

const { CONTROL_SECRET, SECRET, environment } = require('../support/environment')
const { hangingMasterList } = require('../support/hanging-master-list')
const { BASE_URL, captureConsole, gossip, prepare, shazbot, start } = require('../support/in-process')
const { seededRandom } = require('../support/seeded-random')
const { entry, find, monitorEntry, urlsOf } = require('../support/entries')

const HOUR = 3_600_000
const LONG_AGO = Date.now() - 72 * HOUR
const NOW = Date.now() - HOUR

const urlOf = (index) => `http://127.0.0.1:9/${index}/`

async function startInSilence(t) {
  const store = await hangingMasterList(t)
  await prepare(t, { store })
  captureConsole(t)
  shazbot.shazbotStart().catch(() => {})
  return store
}

/** Starts an engine in a worker that receives the same messages as text. */
async function startTwin(t, store) {
  const env = environment(store, { SHAZBOT_BASE_URL: BASE_URL, SHAZBOT_GOSSIP_INTERVAL: '60' })
  const worker = new Worker(path.join(__dirname, '..', 'support', 'message-worker.js'), {
    workerData: { env, path: 'raw' },
  })
  t.after(() => worker.terminate())
  return async (body) => {
    worker.postMessage({ bodies: [{ bytes: Buffer.from(JSON.stringify(body)) }] })
    const [[{ status, lists }]] = await once(worker, 'message')
    assert.equal(status, 200)
    return lists
  }
}

function shuffled(list, roll) {
  const copy = [...list]
  for (let i = copy.length - 1; i > 0; i--) {
    const j = roll(i + 1)
    ;[copy[i], copy[j]] = [copy[j], copy[i]]
  }
  return copy
}

const throwing = () => ({
  get baseUrl() {
    throw new Error('no')
  },
})

/** A malformed or unusual entry, and the same in a text. */
function oddPair(url, stamp, roll) {
  const plain = { baseUrl: url, monitor: true, lastUpdate: stamp }
  const inherited = Object.create(plain)
  const calling = {
    get baseUrl() {
      shazbot.shazbotGetServerList(true).online.length = 0
      return url
    },
    lastUpdate: stamp,
  }
  const bad = { baseUrl: 'no url', lastUpdate: 1 }
  const pairs = [
    [null, null],
    [undefined, null],
    [7, 7],
    ['text', 'text'],
    [[], []],
    [{}, {}],
    [throwing(), null],
    [inherited, plain],
    [calling, { baseUrl: url, lastUpdate: stamp }],
    ...[
      { ...plain, extra: { deep: [1] } },
      { baseUrl: url, lastUpdate: stamp },
      { ...plain, monitor: 'true' },
      { ...plain, monitor: 1 },
      { ...plain, lastUpdate: String(stamp) },
      { ...plain, lastUpdate: -1 },
      { ...plain, lastUpdate: 1e300 },
      { ...plain, lastUpdate: stamp + 0.5 },
      { ...plain, baseUrl: 7 },
      { ...plain, baseUrl: url.replace('/', '/\n') },
      { ...plain, baseUrl: url.slice(0, -1) },
      { ...plain, baseUrl: url.toUpperCase() },
      { ...plain, baseUrl: BASE_URL },
      { lastUpdate: stamp, monitor: false, baseUrl: url },
    ].map((odd) => [odd, odd]),
    [{ ...plain, lastUpdate: Number.NaN }, bad],
    [{ ...plain, lastUpdate: Infinity }, bad],
    [{ ...plain, lastUpdate: 5n }, bad],
  ]
  return pairs[roll(pairs.length)]
}

/** Two lists as objects and in a text. */
function randomBodies(servers, round, roll) {
  const [objects, text] = [
    { online: [], offline: [] },
    { online: [], offline: [] },
  ]
  const known = Array.from({ length: roll(servers) }, (_, index) => (roll(8) === 0 ? roll(servers) : index))
  // Old offline claims free slots.
  const oldShare = roll(4) === 0 ? 3 : 40
  for (const index of roll(2) === 0 ? known : shuffled(known, roll)) {
    const list = roll(6) === 0 ? 'offline' : 'online'
    const stamp =
      roll(oldShare) === 0 || index % 5 === 0 ? LONG_AGO + round * 10 + roll(20) : NOW + roll(1_000)
    const plain = { baseUrl: urlOf(index), monitor: roll(3) === 0, lastUpdate: stamp }
    const [object, written] = roll(25) === 0 ? oddPair(plain.baseUrl, stamp, roll) : [plain, { ...plain }]
    objects[list].push(object)
    text[list].push(written)
  }
  return [objects, text]
}

/** Everything except this server's own stamp, which differs between engines. */
function withoutOwnStamp({ online, offline }) {
  const strip = (list) =>
    list.map((server) => (server.baseUrl === BASE_URL ? { ...server, lastUpdate: 0 } : server))
  return { online: strip(online), offline: strip(offline) }
}

/** Changes a response, as a careless program might. */
function spoil(lists, roll) {
  for (const list of [lists.online, lists.offline]) {
    for (const server of list) {
      const change = roll(4)
      if (change === 0) server.baseUrl = 'spoilt'
      if (change === 1) server.lastUpdate = Date.now() + HOUR
      if (change === 2) delete server.monitor
      if (change === 3) server.more = list
    }
    list.reverse().push('spoilt')
  }
  lists.online = null
}

for (const [servers, rounds] of [
  [12, 400],
  [150, 120],
  [1_500, 25],
]) {
  test(`objects and text have the same effect, among ${servers} servers`, async (t) => {
    const store = await startInSilence(t)
    const send = await startTwin(t, store)
    const seed = Date.now() >>> 0
    const roll = seededRandom(seed)
    let gone = 0
    let before = []
    for (let round = 0; round < rounds; round++) {
      const [objects, text] = randomBodies(servers, round, roll)
      const answer = await gossip(objects)
      const expected = withoutOwnStamp(await send({ message: 'gossip', ...text }))
      const hint = `seed ${seed}, round ${round}`
      assert.deepEqual(Object.keys(answer), ['message', 'online', 'offline'])
      assert.deepEqual(withoutOwnStamp(answer), expected, hint)
      const all = shazbot.shazbotGetServerList(true)
      assert.deepEqual(withoutOwnStamp(all), expected, hint)
      const listed = await shazbot.shazbotListRequest(CONTROL_SECRET)
      assert.deepEqual(withoutOwnStamp(listed), expected, hint)
      assert.deepEqual(await shazbot.shazbotListRequest(SECRET), { online: listed.online }, hint)
      const urls = new Set(urlsOf([...answer.online, ...answer.offline]))
      gone += before.filter((url) => !urls.has(url)).length
      before = [...urls]
      for (const lists of [answer, all, listed]) spoil(lists, roll)
    }
    assert.ok(gone > 0, 'no slot was freed')
  })
}

test('results are new objects each time', async (t) => {
  await start(t)
  const answers = [
    await gossip({ online: [entry(urlOf(1)), entry(urlOf(2))] }),
    await gossip({ online: [] }),
    shazbot.shazbotGetServerList(true),
    shazbot.shazbotGetServerList(true),
    await shazbot.shazbotListRequest(CONTROL_SECRET),
    await shazbot.shazbotListRequest(CONTROL_SECRET),
  ]
  const objects = answers.flatMap((lists) => [
    lists,
    lists.online,
    lists.offline,
    ...lists.online,
    ...lists.offline,
  ])
  assert.equal(new Set(objects).size, objects.length)
  for (const server of answers.flatMap((lists) => lists.online)) {
    assert.equal(Object.getPrototypeOf(server), Object.prototype)
    assert.deepEqual(Object.keys(server), ['baseUrl', 'monitor', 'lastUpdate'])
  }
})

test('a restarted engine does not know the URLs of the previous one', async (t) => {
  await start(t)
  await gossip({ online: [1, 2, 3].map((index) => entry(urlOf(index))) })
  await shazbot.shazbotShutDown()
  await shazbot.shazbotStart()
  assert.deepEqual(urlsOf(shazbot.shazbotGetServerList().online), [BASE_URL])
  const answer = await gossip({ online: [4, 3].map((index) => entry(urlOf(index))) })
  assert.deepEqual(urlsOf(answer.online), [urlOf(3), urlOf(4), BASE_URL].sort())
})

test('an engine restarted with another URL treats the old URL as another server', async (t) => {
  await start(t)
  await gossip({ online: [] })
  await shazbot.shazbotShutDown()
  process.env.SHAZBOT_BASE_URL = urlOf(7)
  await shazbot.shazbotStart()
  const answer = await gossip({ online: [], offline: [entry(BASE_URL)] })
  assert.deepEqual(urlsOf(answer.offline), [BASE_URL])
  assert.deepEqual(urlsOf(answer.online), [urlOf(7)])
})

test('an accessor may request the lists', async (t) => {
  await startInSilence(t)
  await gossip({ online: [1, 2, 3].map((index) => entry(urlOf(index), LONG_AGO)) })
  const seen = []
  const asking = {
    get baseUrl() {
      // It frees the slot that the previous entry was written with.
      gossip({ online: [], offline: [entry(urlOf(1), LONG_AGO + 1)] })
      seen.push(urlsOf(shazbot.shazbotGetServerList().online))
      return urlOf(2)
    },
    lastUpdate: NOW,
  }
  const answer = await gossip({ online: [monitorEntry(urlOf(3), NOW), asking, entry(urlOf(4), NOW)] })
  assert.deepEqual(seen, [[urlOf(2), urlOf(3), BASE_URL].sort()])
  assert.deepEqual(urlsOf(answer.online), [urlOf(2), urlOf(3), urlOf(4), BASE_URL].sort())
  assert.equal(find(answer.online, urlOf(2)).lastUpdate, NOW)
  assert.deepEqual(find(answer.online, urlOf(3)), monitorEntry(urlOf(3), NOW))
})

test('a body without the secret is not read', async (t) => {
  await start(t)
  const touched = []
  const traps = Object.getOwnPropertyNames(Reflect).map((name) => [name, () => touched.push(name)])
  const untouchable = new Proxy({}, Object.fromEntries(traps))
  await assert.rejects(shazbot.shazbotGossipRequest('other', untouchable), { code: 'SHAZBOT_UNAUTHORIZED' })
  await assert.rejects(shazbot.shazbotControlRequest('other', untouchable), { code: 'SHAZBOT_UNAUTHORIZED' })
  assert.deepEqual(touched, [])
})

test('errors about a body are only reported to callers with the secret', async (t) => {
  await start(t)
  for (const body of [undefined, { online: 1 }, { online: [], offline: null }]) {
    await assert.rejects(shazbot.shazbotGossipRequest('other', body), { code: 'SHAZBOT_UNAUTHORIZED' })
    await assert.rejects(shazbot.shazbotGossipRequest(SECRET, body), { code: 'SHAZBOT_BAD_MESSAGE' })
  }
  const stranger = entry(urlOf(1))
  const native = { me: [urlOf(2), 'alive', 1, 1, 0], id: '1', kind: 'push' }
  await assert.rejects(gossip({ online: [stranger] }, 'other'), { code: 'SHAZBOT_UNAUTHORIZED' })
  await assert.rejects(gossip({ online: [], v2: native }, 'other'), { code: 'SHAZBOT_UNAUTHORIZED' })
  assert.deepEqual(urlsOf(shazbot.shazbotGetServerList().online), [BASE_URL])
})

/** More than the calling thread merges itself. */
const MANY = 20_000

const newcomers = (first, count) =>
  Array.from({ length: count }, (_, index) => entry(urlOf(first + index), NOW))

test('few new servers are known at once, many when their message is answered', async (t) => {
  await startInSilence(t)
  const few = gossip({ online: newcomers(0, 3) })
  assert.equal(shazbot.shazbotGetServerList().online.length, 4)
  await few
  const answer = await gossip({ online: newcomers(3, MANY) })
  assert.equal(answer.online.length, MANY + 4)
  assert.deepEqual(shazbot.shazbotGetServerList().online.slice(1), answer.online.slice(1))
})

test('messages that are merged at the same time are all merged', async (t) => {
  await startInSilence(t)
  await gossip({ online: newcomers(0, 100).map((server) => ({ ...server, lastUpdate: LONG_AGO })) })
  const answers = await Promise.all([
    gossip({ online: newcomers(50, MANY) }),
    gossip({ online: newcomers(MANY, MANY), offline: newcomers(2 * MANY, 100) }),
    // Frees slots.
    gossip({
      online: [],
      offline: newcomers(0, 40).map((server) => ({ ...server, lastUpdate: LONG_AGO + 1 })),
    }),
    gossip({ online: [monitorEntry(urlOf(45), NOW)] }),
  ])
  const { online, offline } = await gossip({ online: [] })
  const expected = newcomers(40, 2 * MANY - 40).map(({ baseUrl }) => baseUrl)
  assert.deepEqual(urlsOf(online), [BASE_URL, ...expected].sort())
  assert.deepEqual(urlsOf(offline), urlsOf(newcomers(2 * MANY, 100)))
  assert.deepEqual(find(online, urlOf(45)), monitorEntry(urlOf(45), NOW))
  assert.equal(find(online, urlOf(50)).lastUpdate, NOW)
  // Each response shows the claims of its own message.
  assert.equal(find(answers[0].online, urlOf(MANY)).lastUpdate, NOW)
  assert.equal(answers[1].offline.length, 100)
})

test('a shutdown during a merge', async (t) => {
  await startInSilence(t)
  const merging = gossip({ online: newcomers(0, MANY) })
  await shazbot.shazbotShutDown()
  // Like a message before the end of the shutdown, or like one after it.
  const outcome = await merging.then(
    (answer) => answer.message,
    (error) => error.code,
  )
  assert.ok(['gossip', 'SHAZBOT_NOT_STARTED'].includes(outcome), outcome)
  shazbot.shazbotStart().catch(() => {})
  assert.deepEqual(urlsOf(shazbot.shazbotGetServerList().online), [BASE_URL])
  assert.equal((await gossip({ online: newcomers(7, 1) })).online.length, 2)
})

test('a worker that ends during a merge', async (t) => {
  const env = environment(await hangingMasterList(t), {
    SHAZBOT_BASE_URL: BASE_URL,
    SHAZBOT_GOSSIP_INTERVAL: '60',
  })
  const body = { message: 'gossip', online: newcomers(0, MANY) }
  const program = `
    const { parentPort, workerData: { env, secret, body } } = require('node:worker_threads')
    Object.assign(process.env, env)
    for (const severity of ['log', 'warn', 'error']) console[severity] = () => {}
    const shazbot = require(${JSON.stringify(path.join(__dirname, '..', '..', 'js', 'index.js'))})
    shazbot.shazbotStart().catch(() => {})
    shazbot.shazbotGossipRequest(secret, body)
    parentPort.postMessage('sent')
  `
  const worker = new Worker(program, { eval: true, workerData: { env, secret: SECRET, body } })
  await once(worker, 'message')
  assert.equal(await worker.terminate(), 1)
})
