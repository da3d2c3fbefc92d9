import { setImmediate as turn } from 'node:timers/promises'
import { cpuTime } from './cpu.mjs'
import { summary } from './statistics.mjs'

/**
 * Entries in bodies made in advance: few, so that most stay in the processor's caches, as in a
 * freshly parsed body.
 */
const MAX_ENTRIES = 50_000
const MAX_CALLS = 1_000
/** Prevents bodies made in advance from being moved during the measurement. */
export const FLAGS = ['--expose-gc', '--min-semi-space-size=64', '--max-semi-space-size=64']
/** The maximum calls and rounds before those that count, so that V8 compiles the hot code. */
const WARM_UP = { calls: 3_000, rounds: 30 }
/** Calls at the start of each round that do not count. */
const UNCOUNTED_CALLS = 2
/** A garbage collection first, so that each variant collects only its own garbage. */
const collect = globalThis.gc ?? (() => {})

/**
 * Measures the main-thread cost of a call, in µs, for several variants in turn.
 *
 * @param {Array<{ name: string, body: () => unknown, call: (body: unknown) => unknown }>} variants
 * each call gets its own body, made in advance
 * @param {{ rounds: number, budget: number, entries: number }} how each variant runs for about
 * `budget` µs in each round; a body has `entries` entries, which limit the calls, or `calls` does
 * @returns {Promise<Map<string, number[]>>} by variant, one number per round
 */
export async function interleaved(variants, { rounds, budget, entries = 1, calls: most = callsOf(entries) }) {
  const numbers = new Map(variants.map(({ name }) => [name, []]))
  const calls = new Map()
  const nothing = { body: () => undefined, call: () => undefined }
  const readings = []
  for (let round = 0; round < rounds; round++) readings.push(await total(nothing, 0))
  const overhead = summary(readings).value
  for (const variant of variants) {
    const warmUps = Math.min(WARM_UP.rounds, Math.ceil(WARM_UP.calls / most))
    for (let round = 0; round < warmUps; round++) await total(variant, most)
    const once = (await total(variant, most)) / most
    calls.set(variant, Math.max(1, Math.min(most, Math.round(budget / once))))
  }
  for (let round = 0; round < rounds; round++) {
    const [first, rest] = [
      variants.slice(round % variants.length),
      variants.slice(0, round % variants.length),
    ]
    for (const variant of [...first, ...rest]) {
      const times = calls.get(variant)
      numbers.get(variant.name).push(((await total(variant, times)) - overhead) / times)
    }
  }
  return numbers
}

/** Returns the most calls in a row, for bodies with this many entries. */
function callsOf(entries) {
  return Math.min(MAX_CALLS, Math.ceil(MAX_ENTRIES / entries))
}

/** Returns the total cost of the calls and of measuring it, after some calls that do not count. */
async function total({ body, call }, times) {
  collect()
  // The garbage collector finishes in the following turns.
  for (let turns = 0; turns < 3; turns++) await turn()
  const bodies = Array.from({ length: times + UNCOUNTED_CALLS }, body)
  for (const each of bodies.splice(0, UNCOUNTED_CALLS)) await call(each)
  const before = cpuTime()
  for (const each of bodies) await call(each)
  return cpuTime() - before
}
