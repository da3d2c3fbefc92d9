import type { ShazbotHandler, ShazbotRoutesOptions } from './node.js'

export type { ShazbotRoutesOptions } from './node.js'

/**
 * Middleware with the routes, for Express 4 and 5 and for Connect. Install it before body
 * parsers, best as the first middleware: `app.use(shazbotMiddleware())`.
 */
export function shazbotMiddleware(options?: ShazbotRoutesOptions): ShazbotHandler
