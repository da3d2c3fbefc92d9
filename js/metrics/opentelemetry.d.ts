import type { Meter } from '@opentelemetry/api'

/**
 * Lets a meter of OpenTelemetry observe all metrics of this server, by one batch callback.
 *
 * @param meter the default is that of the global meter provider, named `clustershazbot`; set the
 *   provider first
 * @returns a function that stops it
 * @throws `TypeError` if it is no meter
 */
export function shazbotOpenTelemetry(meter?: Meter): () => void
