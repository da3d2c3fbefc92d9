import { createRequire } from 'node:module'
import { setTimeout as pause } from 'node:timers/promises'
import { SECRET, settings } from '../support/settings.mjs'

const require = createRequire(import.meta.url)
const signing = require('../../__test__/support/signing.js')
const TIMEOUT = 60_000
const quiet = () => {}
Object.assign(process.env, settings())

/**
 * Starts this package with additional settings; returns its ways to answer a gossip request.
 */
export async function startSubject(overrides = {}) {
  Object.assign(process.env, overrides)
  const shazbot = require('clustershazbot')
  const { gossipRaw } = require('../../js/adapters/core/raw/raw.js')
  const { authorizeGossip } = require('../../js/engine/addon.js')
  await quietly(() => shazbot.shazbotStart())
  return {
    knows: () => shazbot.shazbotGetServerList().online.length,
    list: shazbot.shazbotGetServerList,
    objects: (body) => shazbot.shazbotGossipRequest(SECRET, body),
    raw: (bytes) => gossipRaw(SECRET, [bytes]),
    /** Challenges it; returns what its proof says. */
    async challenge() {
      const { nonce, header } = signing.challenge()
      const { proof } = await shazbot.shazbotListRequest(header)
      return signing.readProof(proof, nonce, SECRET)
    },
    signedObjects: ({ header, message }) => shazbot.shazbotGossipRequest(header, message),
    signedRaw({ header, bytes }) {
      // Adapters check the header before they read the body.
      return gossipRaw(header, [bytes], authorizeGossip(header))
    },
  }
}

/** Starts the reference peer: with objects, and with the parsing that a program does. */
export async function startReference() {
  const reference = require('../../__test__/reference')
  await quietly(() => reference.shazbotStart())
  const objects = (body) => reference.shazbotGossipRequest(SECRET, body)
  const raw = async (bytes) => Buffer.from(JSON.stringify(await objects(JSON.parse(bytes))))
  return { list: reference.shazbotGetServerList, objects, raw }
}

/** Resolves as soon as it knows this many other servers. */
export async function waitUntilKnown(subject, servers) {
  const deadline = Date.now() + TIMEOUT
  while (subject.knows() <= servers) {
    if (Date.now() > deadline) throw new Error(`${subject.knows()} of ${servers} servers are known`)
    await pause(100)
  }
}

async function quietly(start) {
  const { log } = console
  console.log = quiet
  await start()
  console.log = log
}
