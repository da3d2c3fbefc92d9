/**
 * Returns whether a load balancer may send requests to this server: its start has resolved, and it
 * is neither drained nor leaving. What other servers do never makes it unready. Never throws.
 */
export function shazbotReady(): boolean

/**
 * Takes this server offline for the others, as a control message does; no secret is needed. The
 * engine keeps running and answers requests. `shazbotGetServerList()` shows the change at once.
 *
 * @throws `Error` with `code` `SHAZBOT_NOT_STARTED` and `status` 503
 */
export function shazbotDrain(): void

/**
 * Brings a drained server back. Has no effect on other servers, and none once this server leaves.
 *
 * @throws `Error` with `code` `SHAZBOT_NOT_STARTED` and `status` 503
 */
export function shazbotResume(): void
