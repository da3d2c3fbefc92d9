/**
 * What a gossip request costs the main thread, answered from its bytes by Rust and, for comparison, in plain JavaScript:
 * `node benches/requests.mjs`.
 */

import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'

const SECRET = 'secret'
const addon = createRequire(import.meta.url)('../binding.js')
const now = Date.now()

/** What JavaScript would do: parse, merge by stamp, write. */
function inJavaScript(known, bytes) {
  for (const server of JSON.parse(bytes).online) {
    const held = known.get(server.baseUrl)
    if (!held || held.lastUpdate < server.lastUpdate) known.set(server.baseUrl, server)
  }
  return Buffer.from(JSON.stringify({ message: 'gossip', online: [...known.values()], offline: [] }))
}

/** The microseconds that this thread has computed so far; before Node.js 24 only Linux tells. */
function computed() {
  if (process.threadCpuUsage) {
    const { user, system } = process.threadCpuUsage()
    return user + system
  }
  return Number(readFileSync(`/proc/self/task/${process.pid}/schedstat`, 'utf8').split(' ')[0]) / 1_000
}

/** Microseconds that a call costs the main thread. */
async function cost(call, times) {
  for (let i = 0; i < times / 5; i++) await call()
  const before = computed()
  for (let i = 0; i < times; i++) await call()
  return ((computed() - before) / times).toFixed(1)
}

function gossip(count) {
  const online = Array.from({ length: count }, (_, index) => {
    return {
      baseUrl: `http://10.0.0.${index % 250}:3000/a/path/of/some/length/${index}/`,
      monitor: false,
      lastUpdate: now,
    }
  })
  return Buffer.from(JSON.stringify({ message: 'gossip', online, offline: [] }))
}

await addon.start(
  {
    SHAZBOT_SECRET: SECRET,
    SHAZBOT_CONTROL_SECRET: SECRET,
    SHAZBOT_MASTER_LIST: 'data:application/json,{"online":[]}',
    SHAZBOT_MASTER_LIST_UPDATE: 'http://127.0.0.1:9/',
    SHAZBOT_MASTER_LIST_UPDATE_AUTH: SECRET,
    SHAZBOT_BASE_URL: 'http://127.0.0.1:9/me/',
    SHAZBOT_GOSSIP_INTERVAL: '86400',
  },
  () => {},
)
const me = ['http://127.0.0.1:9/native/', 'alive', Math.floor(now / 1_000), now, 0]
const native = Buffer.from(
  JSON.stringify({ online: [], v2: { me, id: 'f00d', kind: 'probe', living: 2, hash: '0' } }),
)
console.log(`native extension: ${await cost(() => addon.gossipRaw(SECRET, native), 5_000)} µs`)
for (const count of [10, 100, 1_000, 10_000]) {
  const [bytes, known, times] = [gossip(count), new Map(), Math.min(2_000, 1_000_000 / count)]
  const raw = await cost(() => addon.gossipRaw(SECRET, bytes), times)
  const plain = await cost(() => inJavaScript(known, bytes), times)
  console.log(`${count} servers: ${raw} µs; in plain JavaScript ${plain} µs`)
}
process.exit()
