'use strict'

const { describe, test } = require('node:test')
const assert = require('node:assert/strict')
const { startSubject } = require('../support/subject')
const { createFakePeer } = require('../support/fake-peer')
const { freePort } = require('../support/ports')
const { entry, aWhileAgo, urlsOf } = require('../support/entries')
const { eventually } = require('../support/eventually')

const QUIET = { SHAZBOT_GOSSIP_INTERVAL: '60' }

/** Starts a server with the base URL `baseUrlOf(port)`. */
async function startNamed(t, baseUrlOf, env = {}) {
  const port = await freePort()
  const named = baseUrlOf(port)
  const { app } = await startSubject(t, { port, env: { ...QUIET, SHAZBOT_BASE_URL: named, ...env } })
  return { app, port, named }
}

const allUrls = ({ online, offline }) => [...urlsOf(online), ...urlsOf(offline)]

describe('fixed in v2, 10: one server, many spellings', { concurrency: 8 }, () => {
  test('fixed in v2, 10: its own URL in another case or without the slash is the server itself', async (t) => {
    const { app, port, named } = await startNamed(t, (port) => `http://LocalHost:${port}/`)
    const spellings = [`http://localhost:${port}/`, `HTTP://LOCALHOST:${port}/`, `http://localhost:${port}`]
    const now = Date.now()
    const answer = await app.sendGossip({ online: spellings.map((url, i) => entry(url, now + i)) })
    assert.deepEqual(allUrls(answer), [named], 'one server, in its own spelling')
    assert.deepEqual(allUrls(await app.list()), [named], 'one server, in its own spelling')
  })

  test('fixed in v2, 10: its own URL without the default port is the server itself', async (t) => {
    const { app, named } = await startNamed(t, () => 'http://shazbot.example:80/')
    const answer = await app.sendGossip({ online: [entry('http://shazbot.example/', Date.now())] })
    assert.deepEqual(allUrls(answer), [named])
  })

  test('fixed in v2, 10: an accusation in another spelling is refuted in its own spelling', async (t) => {
    const { app, port, named } = await startNamed(t, (port) => `http://LocalHost:${port}/`)
    const accusation = entry(`http://localhost:${port}/`, Date.now() + 5_000)
    const answer = await app.sendGossip({ offline: [accusation] })
    assert.deepEqual(allUrls(answer), [named])
    assert.ok(answer.online[0].lastUpdate > accusation.lastUpdate, 'refuted')
  })

  test('fixed in v2, 10: a base URL without the final slash gets it', async (t) => {
    const { app, named } = await startNamed(t, (port) => `http://127.0.0.1:${port}`)
    assert.deepEqual(allUrls(await app.list()), [`${named}/`])
  })

  test('fixed in v2, 10: a base URL with a path and without the final slash gets it', async (t) => {
    const { app, named } = await startNamed(t, (port) => `http://127.0.0.1:${port}/behind/proxy`)
    assert.deepEqual(allUrls(await app.list()), [`${named}/`])
  })

  test('fixed in v2, 10: two spellings of another server are one server, shown in the first spelling', async (t) => {
    const { app } = await startSubject(t, { env: QUIET })
    const port = await freePort()
    const first = `http://LocalHost:${port}/`
    await app.sendGossip({ online: [entry(first, aWhileAgo())] })
    const answer = await app.sendGossip({ online: [entry(`http://localhost:${port}/`, aWhileAgo() + 1_000)] })
    assert.deepEqual(allUrls(answer), [first, app.baseUrl].sort())
  })

  test('fixed in v2, 10: an offline claim in another spelling is about the same server', async (t) => {
    const { app } = await startSubject(t, { env: QUIET })
    const port = await freePort()
    await app.sendGossip({ online: [entry(`http://LocalHost:${port}/`, aWhileAgo())] })
    const answer = await app.sendGossip({
      offline: [entry(`http://localhost:${port}/`, aWhileAgo() + 5_000)],
    })
    assert.deepEqual(urlsOf(answer.online), [app.baseUrl])
    assert.equal(answer.offline.length, 1)
  })

  test('fixed in v2, 10: a server is shown in its own spelling once it has sent it', async (t) => {
    const peer = await createFakePeer(t, {
      host: 'localhost',
      spelling: (url) => url.replace('localhost', 'LOCALhost'),
    })
    const listed = peer.baseUrl.toLowerCase()
    const { app } = await startSubject(t, { servers: [entry(listed, aWhileAgo())] })
    await eventually(async () => allUrls(await app.list()).includes(peer.baseUrl), {
      what: 'its own spelling is shown',
    })
    assert.deepEqual(allUrls(await app.list()), [peer.baseUrl, app.baseUrl].sort())
  })
})
