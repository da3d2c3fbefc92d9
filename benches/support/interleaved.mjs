import { computed } from './cpu.mjs'

/** Bodies made in advance hold no more entries than this, or they would not fit into memory. */
const MAX_ENTRIES = 200_000
const MAX_CALLS = 2_000
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
  for (const variant of variants) {
    for (let warm = 0; warm < 3; warm++) await cost(variant, Math.min(most, 100))
    const once = await cost(variant, Math.min(most, 20))
    calls.set(variant, Math.max(3, Math.min(most, Math.round(budget / once))))
  }
  for (let round = 0; round < rounds; round++) {
    const [first, rest] = [
      variants.slice(round % variants.length),
      variants.slice(0, round % variants.length),
    ]
    for (const variant of [...first, ...rest]) {
      numbers.get(variant.name).push(await cost(variant, calls.get(variant)))
    }
  }
  return numbers
}

async function cost({ body, call }, times) {
  const bodies = Array.from({ length: times }, body)
  collect()
  const before = computed()
  for (const each of bodies) await call(each)
  return (computed() - before) / times
}
