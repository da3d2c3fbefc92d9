/**
 * Returns all metrics of this server in the text format of Prometheus, version 0.0.4: the
 * `Content-Type` is `text/plain; version=0.0.4; charset=utf-8`. `docs/metrics.md` describes each of
 * them.
 *
 * Without an engine there are only the version of the package and what JavaScript counts. Never
 * throws.
 */
export function shazbotMetrics(): string
