import { setImmediate as turn } from 'node:timers/promises'
import { computed } from './cpu.mjs'
import { summary } from './statistics.mjs'

/** Bodies made in advance hold few entries, so that most stay in the processor's caches, as a body does that was just parsed. */
const MAX_ENTRIES = 50_000
const MAX_CALLS = 1_000
/** So that what is made in advance is not moved about meanwhile. */
export const FLAGS = ['--expose-gc', '--min-semi-space-size=64', '--max-semi-space-size=64']
/** So many calls at most pass before those that count, in so many rounds, for V8 to compile what is hot. */
const WARM_UP = { calls: 3_000, rounds: 30 }
/** Calls at the beginning of each round that do not count. */
const WAKING = 2
/** A garbage collection beforehand leaves each its own garbage only. */
const collect = globalThis.gc ?? (() => {})

/**
 * What a call costs the main thread, in µs, of several variants that are measured in turn.
 *
 * @param {Array<{ name: string, body: () => unknown, call: (body: unknown) => unknown }>} variants each call gets a body of
 *   its own, made beforehand
 * @param {{ rounds: number, budget: number, entries: number }} how in each round each variant computes for about `budget` µs;
 *   a body has so many entries
 * @returns {Promise<Map<string, number[]>>} by variant, a number for each round
 */
export async function interleaved(variants, { rounds, budget, entries }) {
  const most = Math.min(MAX_CALLS, Math.ceil(MAX_ENTRIES / entries))
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

/** What so many calls cost together, and to look at it besides; after some calls that wake up what has gone to sleep. */
async function total({ body, call }, times) {
  collect()
  // What was collected is let go of in the turns that follow.
  for (let turns = 0; turns < 3; turns++) await turn()
  const bodies = Array.from({ length: times + WAKING }, body)
  for (const each of bodies.splice(0, WAKING)) await call(each)
  const before = computed()
  for (const each of bodies) await call(each)
  return computed() - before
}
