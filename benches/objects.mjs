/**
 * What a gossip request in the form of objects costs the main thread, beside the same in plain JavaScript, which the
 * reference peer of the tests is: `node benches/objects.mjs`. Only Linux tells exactly enough what a thread has computed.
 */

import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { loadavg } from 'node:os'
import { fileURLToPath } from 'node:url'

const SELF = fileURLToPath(import.meta.url)
const SIZES = [10, 100, 1_000, 10_000]
const ROUNDS = 41
/** As many as stay in the caches of a processor, as a body does that was just parsed. */
const ENTRIES_IN_A_ROUND = 5_000
const MOST_IN_A_ROUND = 100
/** So many milliseconds pass before the calls that count, for V8 to compile what is hot. */
const WARM_UP = 400
/** What was prepared is not to be moved about meanwhile. */
const ROOM_FOR_THE_YOUNG = ['--min-semi-space-size=64', '--max-semi-space-size=64']
const ENVIRONMENT = {
  SHAZBOT_SECRET: 'secret',
  SHAZBOT_CONTROL_SECRET: 'secret',
  SHAZBOT_MASTER_LIST: 'data:application/json,{"online":[]}',
  SHAZBOT_MASTER_LIST_UPDATE: 'http://127.0.0.1:9/',
  SHAZBOT_MASTER_LIST_UPDATE_AUTH: 'secret',
  SHAZBOT_BASE_URL: 'http://127.0.0.1:9/me/',
  SHAZBOT_GOSSIP_INTERVAL: '86400',
}

/**
 * Microseconds of the main thread for each kind of request and each number of servers, with those of the reference peer.
 *
 * @returns {{ name: string, servers: number, microseconds: number, spread: number, reference: number, ratio: number }[]}
 */
export function measure() {
  return SIZES.flatMap((servers) => {
    // A process each: what is kept and compiled for one size is no help for another.
    const { stdout, stderr, status } = spawnSync(
      process.execPath,
      [...ROOM_FOR_THE_YOUNG, SELF, '--servers', servers],
      { encoding: 'utf8', env: { ...process.env, ...ENVIRONMENT } },
    )
    if (status !== 0) throw new Error(stderr)
    return JSON.parse(stdout)
  })
}

async function measureSize(servers) {
  const write = console.log
  for (const severity of ['log', 'warn', 'error']) console[severity] = () => {}
  const require = createRequire(import.meta.url)
  const peers = { subject: require('../js/index.js'), reference: require('../__test__/reference') }
  for (const peer of Object.values(peers)) await peer.shazbotStart()
  const nothing = []
  for (let round = 0; round < ROUNDS; round++) nothing.push(await cost(undefined, [], undefined))
  const overhead = median(nothing)
  const rows = []
  for (const [name, { bodyOf, call, entries = servers }] of Object.entries(cases(servers))) {
    const times = Math.max(1, Math.min(MOST_IN_A_ROUND, ENTRIES_IN_A_ROUND / entries))
    for (const peer of Object.values(peers)) {
      const end = performance.now() + WARM_UP
      while (performance.now() < end) await call(peer, bodyOf())
    }
    const costs = { subject: [], reference: [] }
    for (let round = 0; round < ROUNDS; round++) {
      for (const [kind, peer] of Object.entries(peers)) {
        const bodies = Array.from({ length: times }, bodyOf)
        costs[kind].push(((await cost(peer, bodies, call)) - overhead) / times)
      }
    }
    const [microseconds, reference] = [median(costs.subject), median(costs.reference)]
    const spread = median(costs.subject.map((cost) => Math.abs(cost - microseconds)))
    rows.push({ name, servers, microseconds, spread, reference, ratio: microseconds / reference })
  }
  write(JSON.stringify(rows))
  process.exit()
}

function cases(servers) {
  let stamp = Date.now() - 3_600_000
  const urls = Array.from(
    { length: servers },
    (_, index) => `http://10.0.${index >> 8}.${index & 255}:3000/app/`,
  )
  const gossip = (peer, body) => peer.shazbotGossipRequest('secret', body)
  const list = (peer) => peer.shazbotGetServerList(true)
  // Parsed, because a body parser hands out texts that were never seen before.
  const body = (chosen, stampOf) => {
    const online = chosen.map((baseUrl, index) => ({ baseUrl, monitor: false, lastUpdate: stampOf(index) }))
    return JSON.parse(JSON.stringify({ message: 'gossip', online, offline: [] }))
  }
  const allNewer = () => body(urls, constant(++stamp))
  const native = {
    message: 'gossip',
    online: [],
    v2: {
      me: ['http://127.0.0.1:9/native/', 'alive', 1, 1, 0],
      id: 'f00d',
      kind: 'probe',
      living: 2,
      hash: '0',
    },
  }
  return {
    'all newer': { bodyOf: allNewer, call: gossip },
    'all equal': { bodyOf: () => body(urls, constant(stamp)), call: gossip },
    '1 % newer': {
      bodyOf: () => {
        stamp++
        return body(urls, (index) => stamp - (index % 100 === 0 ? 0 : 1))
      },
      call: gossip,
    },
    'shuffled, all newer': { bodyOf: () => body(shuffled(urls), constant(++stamp)), call: gossip },
    'shuffled, all equal': { bodyOf: () => body(shuffled(urls), constant(stamp)), call: gossip },
    'one entry': { bodyOf: () => body(urls.slice(0, 1), constant(++stamp)), call: gossip, entries: 1 },
    'server list': { bodyOf: () => undefined, call: list, entries: 1 },
    'native message': { bodyOf: () => JSON.parse(JSON.stringify(native)), call: gossip, entries: 1 },
  }
}

const constant = (value) => () => value

function shuffled(list) {
  const copy = [...list]
  for (let i = copy.length - 1; i > 0; i--) {
    const j = Math.floor(Math.random() * (i + 1))
    ;[copy[i], copy[j]] = [copy[j], copy[i]]
  }
  return copy
}

async function cost(peer, bodies, call) {
  const before = computed()
  for (const body of bodies) await call(peer, body)
  return computed() - before
}

/** The microseconds that this thread has computed so far. */
function computed() {
  // Without a pause the scheduler would tell what was true some milliseconds ago.
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 0.05)
  return Number(readFileSync(`/proc/self/task/${process.pid}/schedstat`, 'utf8').split(' ')[0]) / 1_000
}

function median(values) {
  return values.toSorted((a, b) => a - b)[values.length >> 1]
}

if (process.argv[1] === SELF) {
  const servers = Number(process.argv[process.argv.indexOf('--servers') + 1])
  if (servers > 0) await measureSize(servers)
  else {
    const rows = measure()
    const round = (value) => Number(value.toFixed(2))
    console.table(
      rows.map((row) => ({
        ...row,
        microseconds: round(row.microseconds),
        spread: round(row.spread),
        reference: round(row.reference),
        ratio: round(row.ratio),
      })),
    )
    console.log(`load: ${loadavg().map(round).join(' ')}`)
  }
}
