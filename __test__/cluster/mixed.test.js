'use strict'

/**
 * A cluster half of which runs version 1 (the reference), with rounds of 1 s. A legacy peer forgets
 * a death when an old claim arrives; the native half must correct that.
 */

const { test } = require('node:test')
const assert = require('node:assert/strict')
const { setTimeout: pause } = require('node:timers/promises')
const { eventually } = require('../support/eventually')
const { startMixedCluster } = require('../support/mixed-cluster')
const { changesOf, seenBy } = require('../support/watched-cluster')

const HALF = 6

/**
 * A younger server that is silent may not listen yet, so it gets a grace from those that it never
 * answered.
 */
const GROWN_UP_AFTER = 30_000

const GONE_WITHIN = 60_000
const GONE_FOR = 20_000

test('half native, half legacy: dead servers disappear from all views, and from native ones for good', async (t) => {
  const cluster = await startMixedCluster(t, { natives: HALF, legacies: HALF })
  await Promise.all(cluster.apps.map((app) => app.watch(50)))
  await pause(GROWN_UP_AFTER)

  const victims = [cluster.natives.at(-1), cluster.legacies.at(-1)]
  for (const victim of victims) cluster.without(victim)
  const began = Date.now()
  await Promise.all(victims.map((victim) => victim.kill()))

  const isGoneFor = (app) => victims.every(({ baseUrl }) => !seenBy(app).has(baseUrl))
  await eventually(() => cluster.apps.every(isGoneFor), {
    within: GONE_WITHIN,
    what: 'the killed servers are offline in all views at once',
  })
  t.diagnostic(`gone from all views at once after ${Date.now() - began} ms`)
  for (const [kind, victim] of [
    ['native', victims[0]],
    ['legacy', victims[1]],
  ]) {
    const first = (apps) =>
      Math.max(...apps.map((app) => changesOf(app, victim).find((c) => c.kind === 'gone')?.at - began))
    t.diagnostic(
      `the ${kind} one: gone for natives after ${first(cluster.natives)} ms, for legacies after ${first(cluster.legacies)} ms`,
    )
  }

  await pause(GONE_FOR)
  const returns = (apps) =>
    apps.flatMap((app) =>
      victims.flatMap((victim) =>
        changesOf(app, victim)
          .filter(({ at, kind }) => kind === 'come' && at > began)
          .map(({ at }) => `${app.baseUrl} saw ${victim.baseUrl} come back after ${at - began} ms`),
      ),
    )
  t.diagnostic(`legacy peers saw them come back ${returns(cluster.legacies).length} times`)
  assert.deepEqual(returns(cluster.natives), [], 'in native views they are gone for good')
  await eventually(() => cluster.apps.every(isGoneFor), { within: GONE_WITHIN, what: 'they are gone' })
})
