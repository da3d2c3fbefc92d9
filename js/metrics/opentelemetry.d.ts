// biome-ignore lint/suspicious/noExplicitAny: each version of OpenTelemetry has types of its own
type Any = any

/** What is used of a `Meter` of `@opentelemetry/api`, in any version from 1.3 on. */
export interface ShazbotMeter {
  createObservableCounter(name: string, options?: { unit?: string; description?: string }): unknown
  createObservableGauge(name: string, options?: { unit?: string; description?: string }): unknown
  addBatchObservableCallback(callback: (result: Any) => void, observables: Any[]): void
  removeBatchObservableCallback(callback: (result: Any) => void, observables: Any[]): void
}

/**
 * Lets a meter of OpenTelemetry observe all metrics of this server, by one batch callback.
 *
 * @param meter the default is that of the global meter provider, named `clustershazbot`; set the
 *   provider first
 * @returns a function that stops it
 * @throws `TypeError` if it is no meter
 */
export function shazbotOpenTelemetry(meter?: ShazbotMeter): () => void
