import { once } from 'node:events'
import type { GossipServer } from 'clustershazbot'
import {
  type ShazbotChange,
  type ShazbotEvents,
  type ShazbotNews,
  type ShazbotState,
  type ShazbotStatus,
  type ShazbotWatch,
  shazbotEvents,
  shazbotSettled,
  type shazbotStatus,
  shazbotWatch,
} from 'clustershazbot/events'

/** True only if both types are identical; types that are not found are `any`. */
type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false
const isTrue = <_Claim extends true>() => {}

isTrue<Same<typeof shazbotStatus, () => ShazbotStatus>>()
isTrue<Same<typeof shazbotEvents, ShazbotEvents>>()
isTrue<Same<ReturnType<typeof shazbotWatch>, ShazbotWatch>>()
isTrue<Same<ReturnType<typeof shazbotSettled>, Promise<ShazbotStatus>>>()
isTrue<Same<ShazbotState, 'online' | 'suspect' | 'dead' | 'left'>>()
isTrue<Same<ShazbotNews['state'], ShazbotState | 'forgotten'>>()
isTrue<Same<ShazbotNews['type'], 'up' | 'suspect' | 'trust' | 'down' | 'leave' | 'forget'>>()
isTrue<Same<ShazbotStatus['phase'], 'stopped' | 'starting' | 'running' | 'drained' | 'leaving'>>()

export const servers: GossipServer[] = []
export const emitter: NodeJS.EventEmitter = shazbotEvents

shazbotEvents
  .on('up', (news: ShazbotNews) => servers.push(news.server))
  .once('change', async ({ news, snapshot, online }: ShazbotChange) => [news.length, snapshot, online])
  .prependListener('status', (status) => status.phase === 'running')
  .off('down', () => {})
  .setMaxListeners(20)

export async function follow(signal: AbortSignal): Promise<number> {
  await once(shazbotEvents, 'up', { signal })
  const { online, quietFor, lag } = await shazbotSettled({ quiet: 500, atLeast: 2, signal })
  const watch = shazbotWatch({ signal, snapshot: false, settle: 100 })
  for await (const { news, view, at } of watch) {
    const [first] = news
    if (first?.self && first.cause === 'control' && first.previous !== 'unknown') return view + at
  }
  await watch.return()
  await watch[Symbol.asyncDispose]()
  return online + quietFor + lag
}
