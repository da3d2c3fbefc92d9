import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Http2ServerRequest, Http2ServerResponse } from 'node:http2'

/** What can be chosen about the three routes. */
export interface ShazbotRoutesOptions {
  /** Where the routes are, with a leading slash and without a final one. Default `/clustershazbot`, where the other servers look for them. */
  path?: string
  /** The largest body in bytes, up to 48 MB; a larger one is answered with 413. Default 16 MB. */
  limit?: number
}

/**
 * Answers the three routes, `POST /clustershazbot/gossip`, `GET /clustershazbot/list` and `POST /clustershazbot/control`, and
 * leaves all other requests to `next`; without one, it answers them with 404.
 */
export type ShazbotHandler = (
  request: IncomingMessage | Http2ServerRequest,
  response: ServerResponse | Http2ServerResponse,
  next?: (error?: unknown) => void,
) => void

/**
 * A handler for `node:http` and `node:http2`, and for everything that calls its handlers with the same two or three values. It reads bodies
 * itself, after it has checked the secret: it belongs before body parsers, whose limits are too small for large clusters. Where
 * one has read a body already, its `request.body` is taken.
 */
export function shazbotHandler(options?: ShazbotRoutesOptions): ShazbotHandler
