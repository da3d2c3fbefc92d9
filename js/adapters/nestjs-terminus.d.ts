import type { ShazbotStatus } from '../events/index.js'

/** The part of a health check's result that describes this server. */
export interface ShazbotHealthResult {
  status: 'up' | 'down'
  phase: ShazbotStatus['phase']
  /** Servers online, as in {@link ShazbotStatus}. */
  online: number
}

/**
 * A health indicator for `@nestjs/terminus` 11 and newer. List it among the providers of the module
 * with your health check.
 */
export class ClustershazbotHealthIndicator {
  /**
   * Returns `up` while this server is ready, as `shazbotReady()` of `clustershazbot/health`, and
   * `down` otherwise. Use it in a readiness check: a drained server needs no restart.
   *
   * @param key the key of the result. The default is `clustershazbot`.
   */
  isHealthy<Key extends string = 'clustershazbot'>(key?: Key): Record<Key, ShazbotHealthResult>
}
