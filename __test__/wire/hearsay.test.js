'use strict'

/**
 * Listeners at addresses that nobody but other servers has named. They answer like servers of
 * version 1, so that only the policy keeps the secrets from them, and record every byte.
 */

const { describe, test } = require('node:test')
const assert = require('node:assert/strict')
const { disclosuresOf } = require('../support/disclosure')
const { aWhileAgo, entry } = require('../support/entries')
const { CONTROL_SECRET, SECRET, UPLOAD_AUTH } = require('../support/environment')
const { eventually } = require('../support/eventually')
const { createFakePeer } = require('../support/fake-peer')
const { claim, createNativePeer, extension, postMessage, postRaw } = require('../support/native')
const { createRawServer, healthy } = require('../support/raw-server')
const { createScriptedServer } = require('../support/scripted-server')
const { startSubject } = require('../support/subject')

const ENV = {
  SHAZBOT_GOSSIP_INTERVAL: '0.2',
  SHAZBOT_PROBE_INTERVAL: '0.2',
  SHAZBOT_MASTER_ANNOUNCE_MINIMUM: '1',
  SHAZBOT_MASTER_ANNOUNCE_INTERVAL: '0',
}
/** Exchanges with a native server after all have been named: several rounds. */
const MANY = 8

async function createListener(t) {
  const server = await createRawServer(t, () => healthy(`${server.origin}/`))
  return { ...server, baseUrl: `${server.origin}/` }
}

/** A server that redirects everything to another one. */
async function createRedirector(t, to) {
  const server = await createScriptedServer(t, ({ path }) => ({
    status: 307,
    headers: { Location: new URL(path, to.baseUrl).href },
  }))
  return { ...server, baseUrl: `${server.origin}/` }
}

/** By the way in which an address becomes known: names it to a server. */
const WAYS = {
  'a message with the raw secret': ({ app }, baseUrl) => postRaw(app.baseUrl, { online: [entry(baseUrl)] }),
  'the list of a server of version 1': ({ original }, baseUrl) => original.knows.push(entry(baseUrl)),
  'a claim of a native server': ({ app, native }, baseUrl) =>
    postMessage(app.baseUrl, { v2: extension(native.baseUrl, { claims: [claim(baseUrl)] }) }),
  'a probe on behalf of a native server': ({ app, native }, baseUrl) => {
    const claims = [claim(baseUrl)]
    return postMessage(app.baseUrl, {
      v2: extension(native.baseUrl, { kind: 'probe-for', target: baseUrl, claims }),
    })
  },
  'the answer of a native server': ({ native }, baseUrl) => {
    native.says = { claims: [claim(baseUrl)] }
  },
}

const REDIRECT = 'a redirect of a listed server'

/**
 * Starts a server, lets others name a listener in each way, and waits until the server has met
 * those of these ways, and has then had many exchanges with others.
 *
 * @param {(listener: object) => boolean} hasMet whether the server has met a listener
 */
async function nameListeners(t, policy, met, hasMet = ({ requests }) => requests.length > 0) {
  const original = await createFakePeer(t)
  const native = await createNativePeer(t)
  const redirected = await createListener(t)
  const redirector = await createRedirector(t, redirected)
  const servers = [original, native, redirector].map(({ baseUrl }) => entry(baseUrl, aWhileAgo()))
  const { app } = await startSubject(t, { servers, env: { ...ENV, SHAZBOT_LEGACY: policy } })
  const listeners = { [REDIRECT]: redirected }
  for (const [way, name] of Object.entries(WAYS)) {
    listeners[way] = await createListener(t)
    await name({ app, original, native }, listeners[way].baseUrl)
  }
  for (const way of met)
    await eventually(() => hasMet(listeners[way]), { within: 60_000, what: `a request after ${way}` })
  const { length } = native.gossips
  await eventually(() => native.gossips.length >= length + MANY, { within: 60_000, what: 'many exchanges' })
  await app.leave()
  return { listeners, listed: [original, redirector] }
}

const isSentSecret = ({ requests }) => requests.some(({ headers }) => headers.authorization === SECRET)
const ALL = [REDIRECT, ...Object.keys(WAYS)]
const BY_NATIVES = ALL.filter((way) => way.includes('native'))

describe('wire: addresses known by hearsay only', { concurrency: true }, () => {
  for (const [policy, met, areListedSentSecret] of [
    ['known', ALL, true],
    // Others are not asked what they know.
    ['off', [REDIRECT, ...BY_NATIVES], false],
  ]) {
    test(`with SHAZBOT_LEGACY=${policy}, none of them is sent a secret`, async (t) => {
      const { listeners, listed } = await nameListeners(t, policy, met)
      for (const [way, { received }] of Object.entries(listeners)) {
        for (const secret of [SECRET, CONTROL_SECRET, UPLOAD_AUTH])
          assert.deepEqual(disclosuresOf(secret, received()), [], way)
      }
      for (const server of listed) assert.equal(isSentSecret(server), areListedSentSecret, server.baseUrl)
    })
  }

  test('by default they are sent the gossip secret, as by version 1, and no other one', async (t) => {
    const isSent = ({ received }) => disclosuresOf(SECRET, received()).includes('plain')
    const { listeners } = await nameListeners(t, 'allow', ALL, isSent)
    for (const [way, { received }] of Object.entries(listeners)) {
      for (const secret of [CONTROL_SECRET, UPLOAD_AUTH])
        assert.deepEqual(disclosuresOf(secret, received()), [], way)
    }
  })
})

test('a secret is recognised in each of its spellings', () => {
  const secret = 'a secret/of tests+more?'
  const bytes = Buffer.from(secret)
  const spelled = {
    plain: `Authorization: ${secret}`,
    'in a URL': `/?x=${encodeURIComponent(secret)}&y`,
    'in a form': new URLSearchParams({ x: secret, y: '' }).toString(),
    'in hexadecimal': bytes.toString('hex').toUpperCase(),
  }
  for (const [name, text] of Object.entries(spelled))
    assert.deepEqual(disclosuresOf(secret, Buffer.from(text)), [name])
  for (const encoding of ['base64', 'base64url']) {
    for (const before of ['', 'x', 'xy', 'xyz']) {
      const text = Buffer.from(`${before}${secret} and more`).toString(encoding)
      const found = disclosuresOf(secret, Buffer.from(text))
      assert.ok(found.includes(`in ${encoding} after ${before.length % 3} bytes`), `${encoding} ${before}`)
    }
  }
})
