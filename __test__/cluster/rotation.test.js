'use strict'

/**
 * The gossip secret is replaced while the servers run. Native servers read it from files; the
 * reference peers know one secret only, and are restarted. Each native server has a recording proxy
 * at its URL.
 */

const { describe, test } = require('node:test')
const assert = require('node:assert/strict')
const { spawnApp } = require('../support/app')
const { createMasterListStore } = require('../support/master-list-store')
const { createSecretFiles } = require('../support/secret-files')
const { environment, SECRET: OLD } = require('../support/environment')
const { getList, postGossip } = require('../support/http')
const { freePort } = require('../support/ports')
const { SUBJECT, REFERENCE } = require('../support/subject')
const { allSeeEachOther } = require('../support/mixed-cluster')
const { changesOf, seenBy } = require('../support/watched-cluster')
const { eventually, throughout } = require('../support/eventually')
const { challenge, extension, postRaw, signMessage } = require('../support/native')
const { keyId, signRequest } = require('../support/signing')
const { createWiretap, isAccepted, keyIdOf, senderOf } = require('../support/wiretap')

const NEW = 'new-gossip-secret-of-tests'

/** The interval in ms at which each server checks its own list. */
const CLOSELY = 10

const FAST = {
  SHAZBOT_GOSSIP_INTERVAL: '0.5',
  SHAZBOT_MASTER_ANNOUNCE_MINIMUM: '2',
  SHAZBOT_MASTER_ANNOUNCE_INTERVAL: '1',
}

/** A change of a file is used within a second; the rest is for a busy machine. */
const USED_WITHIN = 20_000

/**
 * A reference peer declares another one dead after two failures that are 3 s apart. In this time,
 * it has done so and told the others.
 */
const OBSERVED_FOR = 8_000

const addReference = async (t, store, secret, port) => {
  const env = environment(store, { ...FAST, SHAZBOT_SECRET: secret })
  const app = await spawnApp(t, { modulePath: REFERENCE, env, port: port ?? (await freePort()) })
  return Object.assign(app, { secret })
}

const addNative = async (t, store, more) => {
  const files = createSecretFiles(t, { SHAZBOT_SECRET: OLD, SHAZBOT_SECRET_PREVIOUS: '' })
  const port = await freePort()
  const tap = await createWiretap(t, port)
  const env = environment(store, { ...FAST, ...files.env, SHAZBOT_BASE_URL: tap.baseUrl, ...more })
  const app = await spawnApp(t, { modulePath: SUBJECT, env, port })
  return Object.assign(app, { files, tap, baseUrl: tap.baseUrl, behind: `http://127.0.0.1:${port}/` })
}

/**
 * Whether a native server accepts signatures under a secret. It derives their keys after it has
 * read the file.
 */
async function acceptsSignatures({ behind }, current, secret) {
  const proof = await challenge(behind, current)
  if (!proof) return false
  const sender = { baseUrl: 'http://127.0.0.1:9/', process: 5n }
  const { header } = signRequest(sender, proof, proof.sequence, '', secret, 'list')
  return (await getList(behind, header)).status === 200
}

const accepts = async ({ baseUrl }, secret) => (await postGossip(baseUrl, {}, secret)).status === 200

/** Changes the files of one native server after the other, each once the last uses its own. */
async function change(natives, secrets) {
  for (const app of natives) {
    const readings = () => app.lines.filter(({ text }) => text.endsWith('was read again')).length
    const before = readings()
    app.files.swap(secrets)
    const expected = before + Object.keys(secrets).length
    await eventually(() => readings() === expected, { within: USED_WITHIN, what: 'the files are read again' })
  }
}

/** The ids of the keys under which a server has accepted messages. */
const acceptedKeys = ({ tap }) => new Set(tap.signed.filter(isAccepted).map(keyIdOf))

describe('a rotation of the gossip secret', { concurrency: true }, () => {
  test('it takes no server offline in a native view, except a reference peer while it is down', async (t) => {
    const store = await createMasterListStore(t)
    const natives = []
    const references = []
    for (let i = 0; i < 3; i++) {
      natives.push(await addNative(t, store))
      if (i < 2) references.push(await addReference(t, store, OLD))
    }
    const everyone = () => ({ apps: [...natives, ...references] })
    await allSeeEachOther(everyone())
    await Promise.all(natives.map((app) => app.watch(CLOSELY)))
    await eventually(() => natives.every((app) => seenBy(app).size === 5), { what: 'all are watched' })

    /** For each reference peer: when it was down. */
    const downtimes = new Map(references.map(({ baseUrl }) => [baseUrl, []]))
    async function restart(index) {
      const { baseUrl, port } = references[index]
      const began = Date.now()
      await references[index].leave()
      references[index] = await addReference(t, store, NEW, port)
      await eventually(() => natives.every((app) => seenBy(app).has(baseUrl)), {
        within: 60_000,
        what: 'the restarted reference peer is online in all native views',
      })
      downtimes.get(baseUrl).push({ began, ended: Date.now() })
    }
    const stays = (what) =>
      throughout(() => natives.every((app) => seenBy(app).size === 5), { lasting: OBSERVED_FOR, what })

    // All accept the new secret, then all use it, then none accepts the old one.
    await change(natives, { SHAZBOT_SECRET_PREVIOUS: `${OLD}\n${NEW}\n` })
    assert.ok(await accepts(natives[0], NEW))
    await restart(0)
    await stays('one reference peer has the new secret, and all are online')
    await change(natives, { SHAZBOT_SECRET: NEW })
    assert.ok(await accepts(natives[0], OLD))
    await stays('all native servers use the new secret, and all are online')
    await restart(1)
    await change(natives, { SHAZBOT_SECRET_PREVIOUS: '' })
    assert.ok(!(await accepts(natives[0], OLD)))
    await stays('no server has the old secret, and all are online')
    await allSeeEachOther(everyone())

    for (const app of natives) {
      assert.deepEqual(app.tap.relapses, [], 'native servers sign all the time')
      assert.deepEqual(acceptedKeys(app), new Set([keyId(OLD), keyId(NEW)]))
      assert.doesNotMatch(app.output(), /answered 401/, 'a retry with another secret comes first')
      for (const other of [...natives, ...references]) {
        const isExcused = ({ at }) =>
          downtimes.get(other.baseUrl)?.some(({ began, ended }) => began <= at && at <= ended)
        const gone = changesOf(app, other).filter(({ kind }) => kind === 'gone')
        const unexcused = gone.filter((one) => !isExcused(one))
        assert.deepEqual(unexcused, [], `${app.baseUrl} saw ${other.baseUrl} go`)
      }
    }
  })

  for (const policy of ['known', 'off']) {
    test(`with SHAZBOT_LEGACY=${policy}, signatures change over, and five native servers stay online`, async (t) => {
      const store = await createMasterListStore(t)
      const natives = []
      const env = { SHAZBOT_LEGACY: policy, SHAZBOT_PROBE_INTERVAL: '0.2' }
      for (let i = 0; i < 5; i++) natives.push(await addNative(t, store, env))
      await allSeeEachOther({ apps: natives })
      await Promise.all(natives.map((app) => app.watch(CLOSELY)))
      const signedSince = ({ tap }, length, secret) =>
        tap.signed.slice(length).filter((one) => isAccepted(one) && keyIdOf(one) === keyId(secret))
      /** Resolves once each server has accepted messages of all others under this secret. */
      const allUse = (secret) => {
        const lengths = natives.map(({ tap }) => tap.signed.length)
        const sendersTo = (app, index) => new Set(signedSince(app, lengths[index], secret).map(senderOf))
        return eventually(() => natives.every((app, index) => sendersTo(app, index).size === 4), {
          within: USED_WITHIN,
          what: 'all have sent messages to all',
        })
      }

      await allUse(OLD)
      await change(natives, { SHAZBOT_SECRET_PREVIOUS: `${OLD}\n${NEW}\n` })
      for (const app of natives)
        await eventually(() => acceptsSignatures(app, OLD, NEW), { what: 'the new signatures are accepted' })
      const [first, last] = [natives[0], natives.at(-1)]
      const before = last.tap.signed.length
      await change([first], { SHAZBOT_SECRET: NEW })
      const between = first.tap.signed.length
      const areBothUsed = () =>
        signedSince(first, between, OLD).length > 0 && signedSince(last, before, NEW).length > 0
      await eventually(areBothUsed, { what: 'messages under both secrets, accepted as previous ones' })
      await change(natives.slice(1), { SHAZBOT_SECRET: NEW })
      await allUse(NEW)
      await change(natives, { SHAZBOT_SECRET_PREVIOUS: '' })
      await allUse(NEW)
      await allSeeEachOther({ apps: natives })

      for (const { tap, changes } of natives) {
        assert.ok(!tap.signed.some(({ status }) => status === 401), 'no message was rejected')
        assert.deepEqual(tap.relapses, [], 'or sent without a signature')
        assert.deepEqual(
          changes.flatMap(({ gone }) => gone),
          [],
          'nobody went offline',
        )
      }
      const proof = await challenge(first.baseUrl, NEW)
      const { header, message } = signMessage({ v2: extension(last.baseUrl) }, proof, OLD)
      assert.equal((await postRaw(first.baseUrl, message, header)).status, 401)
    })
  }
})
