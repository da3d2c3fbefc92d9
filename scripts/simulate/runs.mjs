/** All runs of `npm run simulate`. */

import { createHash } from 'node:crypto'
import { availableParallelism } from 'node:os'

/** At each size, the number of events of one server, and of events that affect all. */
const sizes = [
  { servers: 10_000, single: 60, all: 1 },
  { servers: 1_000, single: 200, all: 2 },
  { servers: 100, single: 200, all: 10 },
]
const single = ['crash', 'join', 'vanish', 'leave']
const forAll = ['restart-storm', 'partition']

export const runs = [
  // The longest runs first, so that the end is short.
  ...sizes.flatMap(({ servers, all }) => forAll.map((scenario) => run(scenario, servers, all))),
  run('lossy', 1_000, 1),
  ...sizes.flatMap(({ servers, single: events }) => [
    ...single.map((scenario) => run(scenario, servers, events)),
    run('steady', servers, 1),
  ]),
  run('lossy', 100, 1),
  run('crash', 100, 40, '--legacy-share', '0.9'),
  run('upgrade', 100, 100),
  run('upgrade', 1_000, 20),
  run('upgrade', 10_000, 3),
  run('crash', 1_000, 5, '--compare', 'legacy'),
  ...['crash', 'join'].flatMap((scenario) => [
    run(scenario, 10_000, 200, '--reduced', 'yes'),
    run(scenario, 100_000, 60, '--reduced', 'yes'),
    run(scenario, 1_000_000, 10, '--reduced', 'yes'),
  ]),
]

/**
 * A run: a scenario, a number of servers, a number of events, and other arguments of the example.
 */
function run(scenario, servers, events, ...others) {
  const flags = ['--scenario', scenario, '--servers', `${servers}`, '--events', `${events}`, '--seed', '1']
  const arguments_ = [...flags, ...others]
  const key = createHash('sha256').update(arguments_.join(' ')).digest('hex').slice(0, 8)
  const name = [scenario, servers, ...others.map((text) => text.replaceAll(/^-+/g, ''))].join('-')
  const isReduced = others.includes('--reduced')
  // Each server knows every other one, in less than ninety bytes; a legacy peer in less than
  // thirty.
  const bytesPerPair = scenario === 'upgrade' ? 30 : 90
  const bytes = isReduced ? 1e9 : servers ** 2 * bytesPerPair + 2e8
  // The largest runs need all of the machine.
  const isAlone = servers >= 10_000 && forAll.includes(scenario)
  return {
    scenario,
    servers,
    others,
    arguments: arguments_,
    name,
    bytes: isAlone ? Number.POSITIVE_INFINITY : bytes,
    threads: isAlone ? availableParallelism() : 1,
    file: `${name}-${key}`,
  }
}

/**
 * The runs whose names contain one of these words, separated by commas: `partition,10000` selects
 * all partitions, and all runs with 10,000 servers; `partition-10000` only one.
 */
export function selected(words) {
  const contains = (name, word) => `-${name}-`.includes(`-${word}-`)
  const wanted = words.split(',')
  const unknown = wanted.filter((word) => !runs.some(({ name }) => contains(name, word)))
  if (unknown.length > 0) {
    throw new Error(`no run is called ${unknown.join(', ')}: ${runs.map(({ name }) => name).join(', ')}`)
  }
  return runs.filter(({ name }) => wanted.some((word) => contains(name, word)))
}
