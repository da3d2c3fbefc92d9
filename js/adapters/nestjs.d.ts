import type { ShazbotRoutesOptions } from './node.js'

export type { ShazbotRoutesOptions } from './node.js'

/** A dynamic module of Nest. */
export interface ShazbotDynamicModule {
  module: typeof ClustershazbotModule
  // biome-ignore lint/suspicious/noExplicitAny: as Nest itself types what is injected
  providers: { provide: symbol; useFactory: (...injected: any[]) => unknown; inject: any[] }[]
}

/**
 * The three routes and the life cycle of the engine. It starts before the application listens, and
 * shuts down when the application closes; on signals, that requires `app.enableShutdownHooks()`.
 * The routes run before body parsers, guards and a global prefix.
 */
// biome-ignore lint/complexity/noStaticOnlyClass: modules of Nest are classes
export class ClustershazbotModule {
  static forRoot(options?: ShazbotRoutesOptions): ShazbotDynamicModule
}
