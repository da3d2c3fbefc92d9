import { createServer, type IncomingMessage } from 'node:http'
import type { GossipServer, ServerList, shazbotStart } from 'clustershazbot'
import type { shazbotMiddleware } from 'clustershazbot/express'
import type { shazbotPlugin } from 'clustershazbot/fastify'
import type { shazbotDrain, shazbotReady, shazbotResume } from 'clustershazbot/health'
import { ClustershazbotModule, ClustershazbotService, type ShazbotDynamicModule } from 'clustershazbot/nestjs'
import { ClustershazbotHealthIndicator, type ShazbotHealthResult } from 'clustershazbot/nestjs-terminus'
import {
  type ShazbotHandler,
  type ShazbotRoutesOptions,
  type ShazbotServerControl,
  type ShazbotStatusResponse,
  type ShazbotStreamEvents,
  shazbotHandler,
} from 'clustershazbot/node'
import type { FastifyRequest } from 'fastify'

/** True only if both types are identical; types that are not found are `any`. */
type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false
const isTrue = <_Claim extends true>() => {}

isTrue<Same<typeof shazbotStart, () => Promise<void>>>()
isTrue<Same<typeof shazbotMiddleware, (options?: ShazbotRoutesOptions) => ShazbotHandler>>()
isTrue<Same<typeof shazbotHandler, (options?: ShazbotRoutesOptions) => ShazbotHandler>>()
isTrue<Same<Parameters<typeof shazbotPlugin>[1], ShazbotRoutesOptions<FastifyRequest>>>()
isTrue<Same<typeof shazbotReady, () => boolean>>()
isTrue<Same<typeof shazbotDrain, () => void>>()
isTrue<Same<typeof shazbotResume, () => void>>()

export const list: ServerList = { online: [] }
export const server = createServer(shazbotHandler({ path: '/app/clustershazbot', health: true }))
export const watched: ShazbotRoutesOptions = {
  watch: true,
  metrics: true,
  dashboard: true,
  authorize: async ({ headers }) => headers.cookie === 'operator',
}
export const languagesOf = ({ servers }: ShazbotStatusResponse) => servers.map(({ language }) => language)
isTrue<Same<ReturnType<typeof languagesOf>, ('native' | 'legacy' | 'unknown')[]>>()
export const newsOf = ({ news }: ShazbotStreamEvents['change']) => news.map(({ type }) => type)
export const drain: ShazbotServerControl = { server: 'http://10.0.0.8:3000/', online: false }
/** The request of Express, as far as this file needs it. */
interface ExpressRequest extends IncomingMessage {
  ip?: string
}
export const withExpress: ShazbotRoutesOptions = { authorize: ({ ip }: ExpressRequest) => ip === '::1' }
export const withFastify: ShazbotRoutesOptions<FastifyRequest> = { authorize: ({ ip }) => ip === '::1' }
export const dynamicModule: ShazbotDynamicModule = ClustershazbotModule.forRoot({
  limit: 1_000_000,
  global: false,
})
export const asyncModule: ShazbotDynamicModule = ClustershazbotModule.forRootAsync({
  imports: [],
  inject: ['settings'],
  useFactory: async (settings: { limit: number }) => ({ ...settings, health: true }),
  global: true,
})

const service = new ClustershazbotService()
isTrue<Same<ReturnType<typeof service.ready>, boolean>>()
isTrue<Same<ReturnType<typeof service.owner>, GossipServer | undefined>>()
isTrue<Same<ReturnType<typeof service.owns>, boolean>>()
service.events.on('up', ({ server }) => server.baseUrl)
export const ran = service.runOnce('key', async (signal) => signal.aborted)

const result = new ClustershazbotHealthIndicator().isHealthy('cluster')
isTrue<Same<typeof result, Record<'cluster', ShazbotHealthResult>>>()
