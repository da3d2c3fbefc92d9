import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Http2ServerRequest, Http2ServerResponse } from 'node:http2'
import type { GossipServer } from '../../index.js'
import type { ShazbotChange, ShazbotNews, ShazbotState, ShazbotStatus } from '../events/index.js'

/**
 * The options of the routes. `Request` is the type of requests in the framework.
 */
export interface ShazbotRoutesOptions<Request = IncomingMessage | Http2ServerRequest> {
  /**
   * The path of the routes, with a leading slash and without a trailing one. The default is
   * `/clustershazbot`, where the other servers expect them.
   */
  path?: string
  /**
   * The largest body in bytes, up to 48 MB; a larger one is answered with 413. The default is 16
   * MB.
   */
  limit?: number
  /**
   * The number of proxies in front of this server; `true` is 1. Then the caller's address is taken
   * from `X-Forwarded-For`, counted from the right. The default `false` takes that of the
   * connection. Failed authorizations are limited for each address.
   */
  trustProxy?: boolean | number
  /**
   * Whether each request needs a client certificate that the TLS server has verified; others are
   * answered with 401. The server needs the TLS options `requestCert: true` and `ca`. The default
   * is false.
   */
  requireClientCertificate?: boolean
  /**
   * Whether that certificate must also be valid for the host in the URL of the server that sent a
   * gossip message. Messages of version 1 name no sender and are answered with 401. Needs
   * `requireClientCertificate`. The default is false.
   */
  matchHost?: boolean
  /**
   * Whether to answer probes too: `GET …/ready` with 200 while this server is ready, with 503
   * otherwise, and `GET …/live` always with 200. They need no secret and no client certificate.
   * The body is `{"status","phase","online"}`. The default is false.
   */
  health?: boolean
  /**
   * Whether to answer operators too: `GET …/status` with the state of this server and of all others
   * as JSON, `GET …/watch` with a stream of changes, and `POST …/servers/control`, which drains any
   * server or brings it back. The default is false.
   */
  watch?: boolean
  /** Whether to answer `GET …/metrics` with metrics for Prometheus. The default is false. */
  metrics?: boolean
  /**
   * Whether to show a page for operators at `GET …/dashboard/`. Sets `watch`, which it needs. The
   * default is false.
   */
  dashboard?: boolean
  /**
   * Decides who may look, instead of `SHAZBOT_READ_SECRET` and `SHAZBOT_CONTROL_SECRET`: whether a
   * request for `…/status`, `…/watch` or `…/metrics` is answered. Anything but `true` is answered
   * with 401, and an error with 500. Control requests always need the control secret.
   */
  authorize?(request: Request): boolean | Promise<boolean>
}

/** The body of `GET …/status`: the state of this server, and of all servers, itself first. */
export interface ShazbotStatusResponse extends ShazbotStatus {
  readonly version: string
  /** Milliseconds since the engine's start. */
  readonly uptime: number
  /** The share of the latest 16 native answers with another view, from 0 to 1. */
  readonly disagreeing: number
  readonly baseUrl: string
  readonly servers: readonly ShazbotServerStatus[]
}

/** A server in the body of `GET …/status`. */
export interface ShazbotServerStatus extends GossipServer {
  readonly state: ShazbotState
  /** When it came into that state, in milliseconds since the epoch, on this server's clock. */
  readonly since: number
  readonly cause: ShazbotNews['cause']
  /** The protocol of version 2, that of version 1, or not known yet. */
  readonly language: 'native' | 'legacy' | 'unknown'
  readonly self: boolean
}

/** The events of `GET …/watch`, with their data. */
export interface ShazbotStreamEvents {
  /** All servers. */
  snapshot: ShazbotChange
  change: ShazbotChange
  status: ShazbotStatus
  end: { readonly reason: 'shutdown' }
}

/** The body of `POST …/servers/control`; `online: false` drains the server at that base URL. */
export interface ShazbotServerControl {
  server: string
  online: boolean
}

/**
 * Answers `POST /clustershazbot/gossip`, `GET /clustershazbot/list`, `POST
 * /clustershazbot/control`, and the routes that the options add. Passes all other requests to
 * `next`; without one, it answers them with 404.
 */
export type ShazbotHandler = (
  request: IncomingMessage | Http2ServerRequest,
  response: ServerResponse | Http2ServerResponse,
  next?: (error?: unknown) => void,
) => void

/**
 * Returns a handler for `node:http`, `node:http2`, and everything that calls handlers with the same
 * arguments. It checks the secret before it reads a body, so install it before body parsers, whose
 * limits are too small for large clusters. If one has read the body already, the handler uses
 * `request.body`.
 */
export function shazbotHandler(options?: ShazbotRoutesOptions): ShazbotHandler
