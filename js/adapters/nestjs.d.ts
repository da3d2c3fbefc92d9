import type { GossipServer } from '../../index.js'
import type {
  ShazbotEvents,
  ShazbotSettledOptions,
  ShazbotStatus,
  ShazbotWatch,
  ShazbotWatchOptions,
} from '../events/index.js'
import type { ShazbotRunOnceOptions, ShazbotRunOnceResult } from '../owners/index.js'
import type { ShazbotRoutesOptions } from './node.js'

export type { ShazbotRoutesOptions } from './node.js'

/** The options of `forRoot`. With Fastify, `authorize` is called with its requests. */
// biome-ignore lint/suspicious/noExplicitAny: the request of Express or Fastify
export interface ShazbotModuleOptions extends ShazbotRoutesOptions<any> {
  /**
   * Whether {@link ClustershazbotService} can be injected everywhere. The default is true; otherwise
   * only where this module is imported.
   */
  global?: boolean
}

/** The options of `forRootAsync`. */
export interface ShazbotModuleAsyncOptions {
  /** Modules that export what the factory needs. The default is none. */
  // biome-ignore lint/suspicious/noExplicitAny: as Nest itself types modules
  imports?: any[]
  /** What the factory is called with, as in any provider of Nest. The default is nothing. */
  // biome-ignore lint/suspicious/noExplicitAny: as Nest itself types what is injected
  inject?: any[]
  /** Returns the options of the routes. Nest waits for its promise. */
  // biome-ignore lint/suspicious/noExplicitAny: as Nest itself types what is injected
  useFactory: (...injected: any[]) => ShazbotRoutesOptions<any> | Promise<ShazbotRoutesOptions<any>>
  /** As in {@link ShazbotModuleOptions}. */
  global?: boolean
}

/** A dynamic module of Nest. */
export interface ShazbotDynamicModule {
  module: typeof ClustershazbotModule
  // biome-ignore lint/suspicious/noExplicitAny: as Nest itself types modules
  imports: any[]
  // biome-ignore lint/suspicious/noExplicitAny: as Nest itself types what is injected
  providers: { provide: symbol; useFactory: (...injected: any[]) => unknown; inject: any[] }[]
  // biome-ignore lint/suspicious/noExplicitAny: as Nest itself types modules
  exports: any[]
}

/**
 * The routes and the life cycle of the engine. It starts before the application listens, and shuts
 * down when the application closes; on signals, that requires `app.enableShutdownHooks()`. The
 * routes run before body parsers, guards and a global prefix.
 */
// biome-ignore lint/complexity/noStaticOnlyClass: modules of Nest are classes
export class ClustershazbotModule {
  /** Throws a `TypeError` or `RangeError` that names an invalid option. */
  static forRoot(options?: ShazbotModuleOptions): ShazbotDynamicModule

  /**
   * Takes the options of the routes from a factory, which may be asynchronous. Throws a `TypeError`
   * that names an invalid option. If the factory returns one, creating the application fails.
   */
  static forRootAsync(options: ShazbotModuleAsyncOptions): ShazbotDynamicModule
}

/**
 * The functions of `clustershazbot/events`, `clustershazbot/owners` and `clustershazbot/health`, to
 * inject. {@link ClustershazbotModule} provides it.
 */
export class ClustershazbotService {
  /** `shazbotEvents` */
  get events(): ShazbotEvents
  /** `shazbotWatch()` */
  watch(options?: ShazbotWatchOptions): ShazbotWatch
  /** `shazbotStatus()` */
  status(): ShazbotStatus
  /** `shazbotSettled()` */
  settled(options?: ShazbotSettledOptions): Promise<ShazbotStatus>
  /** `shazbotOwner()` */
  owner(key: string): GossipServer | undefined
  /** `shazbotOwners()` */
  owners(key: string, count: number): GossipServer[]
  /** `shazbotOwns()` */
  owns(key: string): boolean
  /** `shazbotRunOnce()` */
  runOnce<T>(
    key: string,
    run: (signal: AbortSignal) => T | Promise<T>,
    options?: ShazbotRunOnceOptions,
  ): Promise<ShazbotRunOnceResult<T>>
  /** `shazbotReady()` */
  ready(): boolean
  /** `shazbotDrain()` */
  drain(): void
  /** `shazbotResume()` */
  resume(): void
}
