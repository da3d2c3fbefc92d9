import type { GossipServer } from 'clustershazbot'
import {
  type ShazbotNotRun,
  type ShazbotRunOnceOptions,
  type ShazbotRunOnceResult,
  type shazbotOwner,
  type shazbotOwners,
  type shazbotOwns,
  shazbotRunOnce,
} from 'clustershazbot/owners'

/** True only if both types are identical; types that are not found are `any`. */
type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false
const isTrue = <_Claim extends true>() => {}

isTrue<Same<typeof shazbotOwner, (key: string) => GossipServer | undefined>>()
isTrue<Same<typeof shazbotOwners, (key: string, count: number) => GossipServer[]>>()
isTrue<Same<typeof shazbotOwns, (key: string) => boolean>>()
isTrue<
  Same<ShazbotNotRun, 'not owner' | 'not settled' | 'too few' | 'isolated' | 'drained' | 'not started'>
>()

export const options: ShazbotRunOnceOptions = { quiet: 500, within: 5_000, atLeast: 2 }

export async function run(signal: AbortSignal): Promise<string | undefined> {
  const result = await shazbotRunOnce('job', async (its) => its.aborted, { ...options, signal })
  isTrue<Same<typeof result, ShazbotRunOnceResult<boolean>>>()
  if (!result.ran) return result.why === 'not owner' ? result.owner?.baseUrl : result.why
  isTrue<Same<typeof result.value, boolean>>()
  const { ran } = await shazbotRunOnce('job', () => 5)
  return ran ? 'here' : undefined
}
