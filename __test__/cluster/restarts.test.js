'use strict'

/**
 * A server of a signing cluster restarts: same URL, new process. Each server has a recording proxy
 * at its URL, and nobody knows another way to it.
 */

const { test } = require('node:test')
const assert = require('node:assert/strict')
const { aWhileAgo, entry, urlsOf } = require('../support/entries')
const { eventually } = require('../support/eventually')
const { createMasterListStore } = require('../support/master-list-store')
const { challenge } = require('../support/native')
const { freePort } = require('../support/ports')
const { startSubject } = require('../support/subject')
const { createWiretap, isAccepted, isSigned, send, senderOf } = require('../support/wiretap')

/** Only the native extension spreads news within seconds. */
const QUIET = { SHAZBOT_GOSSIP_INTERVAL: '60' }
/** A server that was found dead is contacted rarely. */
const TOGETHER_WITHIN = 90_000
/** The latest messages to each server are replayed. */
const REPLAYED = 20
const REJECTION = { error: 'Unauthorized: Invalid signature' }

/** Starts a server behind a recording proxy. `start` starts another process at the same place. */
async function startTapped(t, store) {
  const port = await freePort()
  const tap = await createWiretap(t, port)
  const server = {
    port,
    tap,
    baseUrl: tap.baseUrl,
    async start(from = store) {
      const env = { ...QUIET, SHAZBOT_BASE_URL: tap.baseUrl }
      server.app = (await startSubject(t, { store: from, env, port })).app
    },
    sees: async (...others) => urlsOf((await server.app.list()).online).join() === urlsOf(others).join(),
  }
  await server.start()
  return server
}

const seeEachOther = (servers) =>
  eventually(async () => (await Promise.all(servers.map((one) => one.sees(...servers)))).every(Boolean), {
    within: TOGETHER_WITHIN,
    what: `${servers.length} servers see each other`,
  })

/** Whether each server has accepted a signed message of each other one. */
const haveExchanged = (servers) =>
  servers.every(({ tap, baseUrl }) => {
    const senders = new Set(tap.signed.filter(isAccepted).map(senderOf))
    return servers.every((other) => other.baseUrl === baseUrl || senders.has(other.baseUrl))
  })

/** Asserts that a server rejects each of these recorded messages. */
async function assertRejected(exchanges, port) {
  assert.ok(exchanges.length > 0, 'there are recorded messages')
  for (const exchange of exchanges) {
    const { status, json } = await send({ ...exchange, port })
    assert.deepEqual([status, json], [401, REJECTION], exchange.authorization)
  }
}

/**
 * Resolves once a peer has met the process behind a proxy as it should: its message is rejected, a
 * proof follows, and then a message of the same peer is accepted.
 */
const isMetByChallenge = (tap, from) =>
  eventually(
    () => {
      const exchanges = tap.exchanges.slice(from)
      const rejected = exchanges.findIndex((one) => isSigned(one) && one.status === 401)
      const proved = exchanges.findIndex(({ answer }, index) => index > rejected && answer?.proof)
      const isSameSender = (one) => senderOf(one) === senderOf(exchanges[rejected])
      const isMet = (one) => isSigned(one) && isAccepted(one) && isSameSender(one)
      return rejected >= 0 && proved >= 0 && exchanges.slice(proved).some(isMet)
    },
    { within: TOGETHER_WITHIN, what: 'a rejection, a proof and an accepted message' },
  )

test('peers learn of a new process by its rejections, and recorded messages are rejected', async (t) => {
  const store = await createMasterListStore(t)
  const first = await startTapped(t, store)
  store.write([entry(first.baseUrl, aWhileAgo())])
  const victim = await startTapped(t, store)
  const servers = [first, victim, await startTapped(t, store)]
  await seeEachOther(servers)
  await eventually(() => haveExchanged(servers), { what: 'all have exchanged signed messages' })
  const recorded = servers.flatMap(({ tap }) => tap.signed.filter(isAccepted).slice(-REPLAYED))
  const before = await challenge(victim.baseUrl)

  // The new process knows nobody, so the others have to find it, and replays would tell it of them.
  victim.tap.isCut = true
  await victim.app.kill()
  await victim.start(await createMasterListStore(t))
  // It rejects everything until its keys are derived, and proves itself only then.
  const after = await challenge(`http://127.0.0.1:${victim.port}/`)
  assert.notEqual(after.process, before.process)
  await assertRejected(recorded, victim.port)
  assert.ok(await victim.sees(victim), 'it knows nobody')
  const { length } = victim.tap.exchanges
  victim.tap.isCut = false
  await isMetByChallenge(victim.tap, length)
  await seeEachOther(servers)

  // The other processes still run.
  for (const { port } of servers) await assertRejected(recorded, port)
  await seeEachOther(servers)
  for (const { tap } of servers) assert.deepEqual(tap.relapses, [], 'all sign')
})
