import type { Registry } from 'prom-client'

/**
 * Registers all metrics of this server in a registry of `prom-client`, which reads them whenever it
 * is read itself. A second call replaces the first one, also in another registry.
 *
 * @param registry the default is the global one
 * @throws `TypeError` if it is no registry
 */
export function shazbotPromClient(registry?: Pick<Registry, 'registerMetric' | 'removeSingleMetric'>): void
