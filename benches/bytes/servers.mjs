/**
 * Prints what each of some servers sends per second at rest, and the sizes of payloads, as JSON.
 */

import environments from '../../__test__/support/environment.js'
import eventually from '../../__test__/support/eventually.js'
import ports from '../../__test__/support/ports.js'
import signing from '../../__test__/support/signing.js'
import clusters from '../../__test__/support/watched-cluster.js'
import wiretaps from '../../__test__/support/wiretap.js'
import { summary } from '../support/statistics.mjs'
import { atRest, ofOthers } from './loopback.mjs'

/**
 * Milliseconds for all that follows a start: greetings, comparisons of lists, the grace for younger
 * servers.
 */
const SETTLED_AFTER = 30_000

/** Recorded probes; a server is probed each second. */
const PROBES = 40

const input = JSON.parse(process.argv[2])
const endings = []
const t = { after: (end) => endings.push(end) }
try {
  const others = await ofOthers(input)
  const cluster = await clusters.WatchedCluster.create(t)
  await cluster.start(input.servers)
  for (const app of cluster.apps) await app.watch(0)
  await new Promise((resolve) => setTimeout(resolve, SETTLED_AFTER))
  const rest = await atRest(input, others)
  console.log(JSON.stringify({ ...rest, ...(await payloads(cluster)) }))
} finally {
  await Promise.all(endings.map((end) => end()))
}

/** Measures the probes that one more server receives. */
async function payloads(cluster) {
  const port = await ports.freePort()
  const tap = await wiretaps.createWiretap(t, port)
  const env = { ...clusters.DEFAULTS, SHAZBOT_BASE_URL: tap.baseUrl }
  await cluster.add({ port, env: environments.environment(cluster.store, env) })
  const probes = () => tap.signed.filter(isProbe)
  await eventually.eventually(() => probes().length >= PROBES, { within: 120_000, what: 'probes' })
  // The first ones have news of its join.
  const steady = probes().slice(PROBES / 2)
  const sizes = (bodyOf) => summary(steady.map((exchange) => bodyOf(exchange).length))
  return {
    probes: sizes(({ json }) => json.v2),
    answers: sizes(({ answer }) => answer.v2.split('.').at(-1)),
  }
}

function isProbe({ json, answer }) {
  return answer && signing.decode(json.v2).kind === 'probe'
}
