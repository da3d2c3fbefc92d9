'use strict'

const assert = require('node:assert/strict')
const diagnostics = require('node:diagnostics_channel')
const { inspect } = require('node:util')
const { describe, test } = require('node:test')
const { counts } = require('../../js/requests/rejections')
const { HOSTS } = require('../support/adapter-hosts')
const { CONTROL_SECRET, SECRET, UPLOAD_AUTH } = require('../support/environment')
const { getList, postGossip, postReturn, request } = require('../support/http')
const { shazbot, start } = require('../support/in-process')

const CHANNEL = 'clustershazbot:security'

/** Collects what is published until the test ends. */
function subscribe(t) {
  const published = []
  const receive = (message, name) => published.push([message, name])
  diagnostics.subscribe(CHANNEL, receive)
  t.after(() => diagnostics.unsubscribe(CHANNEL, receive))
  return published
}

/** The increase of the counts while `act` runs, without zeros. */
async function counted(act) {
  const before = counts()
  await act()
  const increases = Object.entries(counts()).map(([reason, count]) => [reason, count - before[reason]])
  return Object.fromEntries(increases.filter(([, increase]) => increase > 0))
}

function assertKeepsSecrets(value) {
  const text = inspect(value, { depth: Infinity, showHidden: true })
  for (const secret of [SECRET, CONTROL_SECRET, UPLOAD_AUTH, 'guess']) assert.ok(!text.includes(secret), text)
}

for (const [name, host] of Object.entries(HOSTS)) {
  test(`${name}: each rejected request is counted and published`, async (t) => {
    await start(t)
    const baseUrl = await host(t, { limit: 1_000 })
    const published = subscribe(t)
    const post = (route, headers, body) =>
      request(`${baseUrl}clustershazbot/${route}`, { method: 'POST', headers, body })
    const json = { 'Content-Type': 'application/json', Authorization: SECRET }
    const increases = await counted(async () => {
      await postGossip(baseUrl, {}, 'guess')
      await postReturn(baseUrl, SECRET)
      await post('gossip', json, '{"online":1}')
      await post('gossip', { Authorization: SECRET, 'Content-Type': 'text/plain' }, 'x')
      await post('control', { ...json, Authorization: CONTROL_SECRET }, '{"online":"guess"}')
      await post('gossip', json, ' '.repeat(1_001))
      await post('list', json, '{}')
      await postGossip(baseUrl, {})
      await getList(baseUrl, 'guess')
      await request(`${baseUrl}clustershazbot/other`)
      await shazbot.shazbotShutDown()
      await getList(baseUrl)
    })
    assert.deepEqual(increases, { secret: 2, malformed: 3, 'too-large': 1, method: 1, 'not-started': 1 })
    const address = '127.0.0.1'
    assert.deepEqual(
      published,
      [
        { reason: 'secret', address, route: 'gossip' },
        { reason: 'secret', address, route: 'control' },
        { reason: 'malformed', address, route: 'gossip' },
        { reason: 'malformed', address, route: 'gossip' },
        { reason: 'malformed', address, route: 'control' },
        { reason: 'too-large', address, route: 'gossip' },
        { reason: 'method', address, route: 'list' },
        { reason: 'not-started', address, route: 'list' },
      ].map((message) => [message, CHANNEL]),
    )
    assertKeepsSecrets(published)
  })
}

describe('rejections', () => {
  test('by the limit of failed authorizations are counted as such, with the forwarded address', async (t) => {
    await start(t)
    const baseUrl = await HOSTS['express 5'](t, { trustProxy: true })
    const published = subscribe(t)
    const headers = { Authorization: 'guess', 'X-Forwarded-For': '10.4.5.6' }
    const send = () => request(`${baseUrl}clustershazbot/control`, { method: 'POST', headers })
    let total = 0
    while (published.at(-1)?.[0].reason !== 'limited') {
      await Promise.all(Array.from({ length: 20 }, send))
      total += 20
      assert.ok(total < 10_000)
    }
    assert.equal(published.length, total)
    assert.deepEqual(published.at(-1)[0], { reason: 'limited', address: '10.4.5.6', route: 'control' })
    assertKeepsSecrets(published)
  })

  test('of hand-written routes have no address', async (t) => {
    await start(t)
    const published = subscribe(t)
    const rejected = async (call) => {
      const error = await call().then(
        () => assert.fail('it was accepted'),
        (error) => error,
      )
      assertKeepsSecrets(error)
    }
    const increases = await counted(async () => {
      await rejected(() => shazbot.shazbotGossipRequest('guess', { online: [] }))
      await rejected(() => shazbot.shazbotGossipRequest(SECRET, { online: 'guess' }))
      await rejected(() => shazbot.shazbotControlRequest('guess', { online: true }))
      await rejected(() => shazbot.shazbotControlRequest(CONTROL_SECRET, { online: 'guess' }))
      await shazbot.shazbotListRequest('guess')
      await shazbot.shazbotShutDown()
      await rejected(() => shazbot.shazbotListRequest(CONTROL_SECRET))
    })
    assert.deepEqual(increases, { secret: 2, malformed: 2, 'not-started': 1 })
    const address = undefined
    assert.deepEqual(
      published.map(([message]) => message),
      [
        { reason: 'secret', address, route: 'gossip' },
        { reason: 'malformed', address, route: 'gossip' },
        { reason: 'secret', address, route: 'control' },
        { reason: 'malformed', address, route: 'control' },
        { reason: 'not-started', address, route: 'list' },
      ],
    )
  })

  test('without a subscriber are counted too', async (t) => {
    await start(t)
    const increases = await counted(() => shazbot.shazbotGossipRequest('guess', {}).catch(() => {}))
    assert.deepEqual(increases, { secret: 1 })
  })
})
