'use strict'

const { describe, test } = require('node:test')
const assert = require('node:assert/strict')
const path = require('node:path')
const {
  BASE_URL,
  bringBack,
  captureConsole,
  drain,
  gossip,
  gossipNative,
  prepare,
  shazbot,
  start,
} = require('../support/in-process')
const { CONTROL_SECRET, SECRET } = require('../support/environment')
const { entry } = require('../support/entries')
const { events } = require('../support/events')
const { eventually } = require('../support/eventually')
const { createFakePeer } = require('../support/fake-peer')
const { createMasterListStore } = require('../support/master-list-store')
const { readMetrics } = require('../support/metrics')
const { createNativePeer, extension } = require('../support/native')
const { PACKAGE } = require('../support/subject')

const addon = require(path.join(PACKAGE, 'js', 'engine', 'addon.js'))
const { FAMILIES } = require(path.join(PACKAGE, 'js', 'metrics', 'families.js'))
const { shazbotMetrics } = require(path.join(PACKAGE, 'js', 'metrics'))

const metrics = () => readMetrics(shazbotMetrics())
/** Nothing is known of them but what the tests say. */
const server = (name) => `http://127.0.0.1:9/${name}/`

/** Resolves when a sample has this value. */
const becomes = (name, value) =>
  eventually(() => metrics().of(name) === value, { what: `${name} to be ${value}` })

describe('metrics', () => {
  test('each word of the engine is the sample of one metric', () => {
    const places = FAMILIES.flatMap(({ type, samples }) =>
      samples.flatMap(({ word }) =>
        type === 'histogram' ? Array.from({ length: 14 }, (_, index) => word + index) : [word],
      ),
    )
    assert.deepEqual(
      places.sort((a, b) => a - b),
      Array.from({ length: addon.MetricWord.Length }, (_, index) => index),
    )
    const starts = new Set(FAMILIES.flatMap(({ samples }) => samples.map(({ word }) => word)))
    for (const [name, word] of Object.entries(addon.MetricWord))
      assert.ok(name === 'Length' || starts.has(word), `${name} begins a metric`)
  })

  test('without an engine there is what JavaScript counts', async (t) => {
    const alone = ['clustershazbot_info', 'clustershazbot_watchers', 'clustershazbot_watch_overruns_total']
    const withoutRequests = () => metrics().names.filter((name) => !name.includes('received_requests'))
    assert.deepEqual(withoutRequests(), alone)
    await start(t)
    assert.ok(metrics().names.length > 20)
    await shazbot.shazbotShutDown()
    assert.deepEqual(withoutRequests(), alone)
  })

  test('states, the phase and changes follow the engine', async (t) => {
    await prepare(t)
    captureConsole(t)
    const started = shazbot.shazbotStart()
    assert.equal(metrics().of('phase{phase="starting"}'), 1)
    await started
    assert.equal(metrics().of(`info{version="${require('../../package.json').version}"}`), 1)
    assert.equal(metrics().of('members{state="online"}'), 1)
    assert.equal(metrics().of('native_members'), 1)
    assert.equal(metrics().of('view_changes_total{type="up",cause="said"}'), 1)
    await gossip({
      online: [entry(server('a')), entry(server('b'))],
      offline: [entry(server('c'))],
    })
    const ups = 'view_changes_total{type="up",cause="rumour"}'
    assert.equal(metrics().of(ups), 2)
    assert.equal(metrics().of('view_changes_total{type="down",cause="rumour"}'), 1)
    assert.equal(metrics().of('members{state="online"}'), 3)
    assert.equal(metrics().of('members{state="dead"}'), 1)
    await drain()
    assert.equal(metrics().of('phase{phase="drained"}'), 1)
    assert.equal(metrics().of('phase{phase="running"}'), 0)
    assert.equal(metrics().of('members{state="left"}'), 1)
    assert.equal(metrics().of('native_members'), 0)
    assert.equal(metrics().of('view_changes_total{type="leave",cause="control"}'), 1)
    await bringBack()
    assert.equal(metrics().of('view_changes_total{type="up",cause="control"}'), 1)
    assert.doesNotMatch(shazbotMetrics(), /http|127\.0/, 'no label has a URL')
  })

  test('refused claims are counted by their reasons', async (t) => {
    const env = { SHAZBOT_MAX_SERVERS: '100', SHAZBOT_ALLOW: '127.0.0.1' }
    await start(t, { env })
    const refused = (reason) => metrics().of(`refused_claims_total{reason="${reason}"}`)
    const claims = {
      malformed: [{}, { baseUrl: 1 }],
      url: [entry('ftp://127.0.0.1/')],
      address: [entry('http://0.0.0.0/')],
      'not-allowed': [entry('http://10.1.2.3/')],
      stamp: [{ ...entry(server('a')), lastUpdate: -1 }],
      'far-ahead': [entry(server('a'), Date.now() + 172_800_000)],
      full: Array.from({ length: 101 }, (_, index) => entry(server(index))),
      unusual: Array.from({ length: 2_000 }, (_, index) => entry(`http://127.0.0.1:9/ü${index}/`)),
    }
    const expected = { ...Object.fromEntries(Object.keys(claims).map((reason) => [reason, 1])), malformed: 2 }
    for (const [reason, online] of Object.entries(claims)) {
      assert.equal(refused(reason), 0, reason)
      await gossip({ online })
      if (reason === 'unusual') assert.ok(refused(reason) > 100)
      else assert.equal(refused(reason), expected[reason], reason)
    }
    assert.equal(refused('surplus'), 0)
  })

  test('false news of its own death is refuted and counted', async (t) => {
    await start(t)
    assert.equal(metrics().of('refutations_total'), 0)
    await gossip({ online: [], offline: [entry(BASE_URL, Date.now() + 5_000)] })
    assert.equal(metrics().of('refutations_total'), 1)
    const seconds = Math.floor(Date.now() / 1_000)
    const claims = [[BASE_URL, 'dead', seconds + 60, Date.now(), 0]]
    await gossipNative({ v2: extension(server('a'), { claims }) })
    assert.equal(metrics().of('refutations_total'), 2)
    assert.ok(metrics().of('health_score') >= 1, 'it seems to be slow')
    await gossip({ online: [], offline: [entry(BASE_URL, 1)] })
    assert.equal(metrics().of('refutations_total'), 2, 'old news are ignored')
  })

  test('received requests are counted by route, wire and outcome', async (t) => {
    const received = (route, wire, outcome) =>
      metrics().of(`received_requests_total{route="${route}",wire="${wire}",outcome="${outcome}"}`) ?? 0
    const before = received('gossip', 'plain', 'not-started')
    await assert.rejects(gossip({ online: [] }))
    assert.equal(received('gossip', 'plain', 'not-started'), before + 1)
    await start(t)
    const counted = [
      ['gossip', 'plain', 'ok', () => gossip({ online: [] })],
      ['gossip', 'native', 'ok', () => gossipNative({ v2: extension(server('a')) })],
      ['gossip', 'plain', 'secret', () => gossip({ online: [] }, 'wrong')],
      ['gossip', 'plain', 'malformed', () => gossip({ online: 1 })],
      ['gossip', 'native', 'signature', () => shazbot.shazbotGossipRequest('Shazbot 2 x', {})],
      ['list', 'plain', 'ok', () => shazbot.shazbotListRequest('')],
      ['control', 'plain', 'ok', () => drain()],
      ['control', 'plain', 'secret', () => shazbot.shazbotControlRequest(SECRET, { online: true })],
      ['control', 'plain', 'malformed', () => shazbot.shazbotControlRequest(CONTROL_SECRET, {})],
    ]
    for (const [route, wire, outcome, request] of counted) {
      const before = received(route, wire, outcome)
      const isAccepted = await request().then(
        () => true,
        () => false,
      )
      assert.equal(isAccepted, outcome === 'ok', outcome)
      assert.equal(received(route, wire, outcome), before + 1, `${route} ${wire} ${outcome}`)
    }
  })

  test('the requests to the store of the master list are counted, with the time of success', async (t) => {
    const store = await createMasterListStore(t)
    const env = { SHAZBOT_MASTER_ANNOUNCE_MINIMUM: '1', SHAZBOT_MASTER_ANNOUNCE_INTERVAL: '0' }
    store.onPut = () => ({ status: 403, body: '' })
    const began = Date.now() / 1_000 - 1
    await start(t, { store, env })
    const success = (operation) =>
      metrics().of(`master_list_last_success_timestamp_seconds{operation="${operation}"}`)
    const failures = (operation) => metrics().of(`master_list_failures_total{operation="${operation}"}`)
    const requests = (kind, outcome) => metrics().of(`requests_total{kind="${kind}",outcome="${outcome}"}`)
    assert.ok(success('download') >= began && success('download') <= Date.now() / 1_000)
    assert.equal(success('upload'), undefined, 'no sample before the first success')
    await eventually(() => failures('upload') >= 1, { what: 'a failed upload' })
    assert.ok(requests('upload', 'rejected') >= 1)
    store.onPut = undefined
    await eventually(() => success('upload') >= began, { what: 'an upload' })
    assert.ok(requests('upload', 'ok') >= 1)
    assert.equal(failures('download'), 0)
    store.onGet = () => ({ body: '<html>' })
    await eventually(() => failures('download') >= 1, { what: 'a failed download' })
    assert.ok(requests('download', 'invalid') >= 1)
  })

  test('an upload that would change nothing counts as a success', async (t) => {
    const store = await createMasterListStore(t, { servers: [entry(BASE_URL)] })
    await start(t, {
      store,
      env: { SHAZBOT_MASTER_ANNOUNCE_MINIMUM: '1', SHAZBOT_MASTER_ANNOUNCE_INTERVAL: '0' },
    })
    const name = 'master_list_last_success_timestamp_seconds{operation="upload"}'
    await eventually(() => metrics().of(name), { what: 'the time of the upload' })
    assert.equal(store.puts.length, 0)
  })

  test('answers with another hash are counted among the last sixteen', async (t) => {
    const peer = await createNativePeer(t)
    await start(t, { servers: [entry(peer.baseUrl)], env: { SHAZBOT_PROBE_INTERVAL: '0.05' } })
    await becomes('disagreeing_answers_ratio', 0)
    peer.says = { hash: 'abc' }
    await becomes('disagreeing_answers_ratio', 1)
    peer.says = {}
    await becomes('disagreeing_answers_ratio', 0)
  })

  test('requests are counted by kind, outcome and duration, and in flight', async (t) => {
    const peer = await createFakePeer(t)
    let release
    const isReleased = new Promise((resolve) => {
      release = resolve
    })
    peer.onGossip = async () => {
      await isReleased
      return undefined
    }
    await prepare(t, { servers: [entry(peer.baseUrl), entry(server('closed'))] })
    captureConsole(t)
    const started = shazbot.shazbotStart()
    await eventually(() => metrics().of('requests_in_flight') > 0, { what: 'a request in flight' })
    release()
    await started
    await becomes('requests_in_flight', 0)
    const isCounted = (outcome) => metrics().sum('requests_total', { outcome }) >= 1
    await eventually(() => isCounted('ok') && isCounted('refused'), { what: 'both outcomes' })
    const requests = metrics()
    for (const kind of ['gossip', 'download', 'list']) {
      const count = requests.of(`request_duration_seconds_count{kind="${kind}"}`)
      assert.equal(count, requests.sum('requests_total', { kind }), kind)
      const buckets = [...requests.samples]
        .filter(([name]) => name.startsWith('clustershazbot_request_duration_seconds_bucket'))
        .filter(([name]) => name.includes(`kind="${kind}"`))
      assert.equal(buckets.length, 13)
      assert.match(buckets.at(-1)[0], /le="\+Inf"/)
      assert.equal(buckets.at(-1)[1], count)
      assert.ok(buckets.every(([, value], index) => index === 0 || value >= buckets[index - 1][1]))
    }
    assert.ok(requests.of('sent_bytes_total') > 50)
    assert.ok(requests.of('received_bytes_total') > 50)
  })

  for (const [outcome, env, answer] of [
    ['withheld', { SHAZBOT_LEGACY: 'off' }],
    ['invalid', {}, { status: 200, body: '<html>' }],
    ['rejected', {}, { status: 401, body: {} }],
  ]) {
    test(`requests end as ${outcome}`, async (t) => {
      const peer = await createFakePeer(t)
      if (answer) peer.onGossip = () => answer
      await start(t, { servers: [entry(peer.baseUrl)], env })
      const isCounted = () => metrics().sum('requests_total', { outcome }) > 0
      await eventually(isCounted, { what: `a request that is ${outcome}` })
    })
  }

  test('watches are counted while they wait, and so is what they have missed', async (t) => {
    await start(t)
    const before = metrics().of('watchers')
    const overruns = metrics().of('watch_overruns_total')
    const watch = events.shazbotWatch({ snapshot: false })
    const pending = watch.next()
    assert.equal(metrics().of('watchers'), before + 1)
    const many = (from) =>
      Array.from({ length: 1_100 }, (_, index) => entry(`http://127.0.0.1:9/${from + index}/`))
    await gossip({ online: [entry(server('new'))] })
    await pending
    assert.equal(metrics().of('watchers'), before)
    await gossip({ online: many(2_000) })
    assert.equal((await watch.next()).value.snapshot, true)
    assert.equal(metrics().of('watch_overruns_total'), overruns + 1)
    const last = watch.next()
    assert.equal(metrics().of('watchers'), before + 1)
    await watch.return()
    assert.equal((await last).done, true)
    assert.equal(metrics().of('watchers'), before)
    const first = events.shazbotWatch()
    assert.equal((await first.next()).value.snapshot, true)
    await first.return()
    assert.equal(metrics().of('watch_overruns_total'), overruns + 1, 'a watch begins with a snapshot')
  })
})
