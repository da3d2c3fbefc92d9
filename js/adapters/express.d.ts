import type { ShazbotHandler, ShazbotRoutesOptions } from './node.js'

export type { ShazbotRoutesOptions } from './node.js'

/**
 * Middleware with the three routes, for Express 4 and 5 and for Connect. It belongs before body parsers:
 * `app.use(shazbotMiddleware())` as the first thing.
 */
export function shazbotMiddleware(options?: ShazbotRoutesOptions): ShazbotHandler
