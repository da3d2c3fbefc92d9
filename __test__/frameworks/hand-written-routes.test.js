'use strict'

/**
 * Programs with routes as users of version 1 wrote them, beside a native server and a legacy peer
 * (the reference), with the default policy. Whatever they do to headers and bodies, they stay in
 * the cluster.
 */

const { test } = require('node:test')
const assert = require('node:assert/strict')
const path = require('node:path')
const { startProgram } = require('../apps/support/program')
const { urlsOf } = require('../support/entries')
const { CONTROL_SECRET } = require('../support/environment')
const { eventually } = require('../support/eventually')
const { getList } = require('../support/http')
const { eachSees, showsGone, startMixedCluster } = require('../support/mixed-cluster')
const { changesOf, seenBy } = require('../support/watched-cluster')
const { createWiretap, isSigned, senderOf } = require('../support/wiretap')

const PROGRAM = path.join(__dirname, '..', 'fixtures', 'hand-written-routes.js')
/** By the name of the routes: whether signed messages get through, and their answers. */
const ROUTES = {
  readme: true,
  'errors with status 500': true,
  'list without the header': true,
  'schema of lists': true,
  'schema of gossip responses': false,
  'schema of responses': false,
  'schema of gossip requests': false,
  'schemas of all': false,
}
const FAST = { SHAZBOT_GOSSIP_INTERVAL: '0.2', SHAZBOT_PROBE_INTERVAL: '0.2' }
/** Accepted messages in a row, all signed or none, by which the native server has settled. */
const IN_A_ROW = 5
const WITHIN = 60_000
const EVERY = 20

async function start(t, store, routes) {
  const tap = await createWiretap(t)
  const env = { ROUTES: routes, SHAZBOT_BASE_URL: tap.baseUrl }
  const program = await startProgram(t, [PROGRAM], { store, env })
  tap.ports.push(Number(new URL(program.baseUrl).port))
  return { routes, tap, baseUrl: tap.baseUrl, program }
}

/** The gossip messages of a native server at a program, signed or not. */
const messagesOf = ({ baseUrl }, { tap }) =>
  tap.exchanges.filter((one) => (isSigned(one) ? senderOf(one) : one.json?.v2?.me?.[0]) === baseUrl)

/** Asserts that all latest messages of the native server have got through, in the expected form. */
function isSettled(native, program) {
  const latest = messagesOf(native, program).slice(-IN_A_ROW)
  const outcomes = latest.map((one) => `${isSigned(one) ? 'signed' : 'raw'} ${one.status}`)
  const expected = ROUTES[program.routes] ? 'signed 200' : 'raw 200'
  assert.deepEqual(outcomes, Array(IN_A_ROW).fill(expected))
  return true
}

test('programs of version 1 are proved if their routes let it through, and never flap', async (t) => {
  const cluster = await startMixedCluster(t, { natives: 1, legacies: 1, env: FAST })
  const [native] = cluster.natives
  await Promise.all(cluster.apps.map((app) => app.watch(EVERY)))
  const programs = await Promise.all(Object.keys(ROUTES).map((routes) => start(t, cluster.store, routes)))
  const everyone = [...cluster.apps, ...programs]
  const all = urlsOf(everyone).join()
  const seesAll = async ({ baseUrl }) => {
    const { json } = await getList(baseUrl, CONTROL_SECRET).catch(() => ({}))
    return urlsOf(json?.online).join() === all
  }
  await eventually(async () => (await Promise.all(everyone.map(seesAll))).every(Boolean), {
    within: WITHIN,
    what: 'all see each other',
  })
  for (const program of programs) {
    await eventually(() => isSettled(native, program), { within: WITHIN, what: program.routes })
  }
  for (const app of cluster.apps) {
    assert.equal(seenBy(app).size, everyone.length)
    for (const other of everyone) {
      const gone = changesOf(app, other).filter(({ kind }) => kind === 'gone')
      assert.deepEqual(gone, [], `${app.baseUrl} saw ${other.routes ?? other.baseUrl} go`)
    }
  }
  const [leaver] = programs
  await leaver.program.stop('SIGINT')
  await eachSees(cluster.apps, showsGone(leaver.baseUrl), { within: WITHIN, what: 'a leave' })
})
