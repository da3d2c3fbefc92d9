import { createRequire } from 'node:module'
import { setTimeout as pause } from 'node:timers/promises'
import { SECRET, settings } from '../support/settings.mjs'

const require = createRequire(import.meta.url)
const PATIENCE = 60_000
const quiet = () => {}
Object.assign(process.env, settings())

/** Starts this package, with these settings besides: its two ways to answer a gossip request. */
export async function startSubject(overrides = {}) {
  Object.assign(process.env, overrides)
  const shazbot = require('clustershazbot')
  const { gossipRaw } = require('../../js/adapters/core/raw.js')
  await quietly(() => shazbot.shazbotStart())
  return {
    knows: () => shazbot.shazbotGetServerList().online.length,
    list: shazbot.shazbotGetServerList,
    objects: (body) => shazbot.shazbotGossipRequest(SECRET, body),
    raw: (bytes) => gossipRaw(SECRET, [bytes]),
  }
}

/** Starts the reference peer: with objects, and with what a program does to have objects. */
export async function startReference() {
  const reference = require('../../__test__/reference')
  await quietly(() => reference.shazbotStart())
  const objects = (body) => reference.shazbotGossipRequest(SECRET, body)
  const raw = async (bytes) => Buffer.from(JSON.stringify(await objects(JSON.parse(bytes))))
  return { list: reference.shazbotGetServerList, objects, raw }
}

/** Resolves as soon as it knows so many others. */
export async function untilItKnows(subject, servers) {
  const deadline = Date.now() + PATIENCE
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
