/** Describes one server of the cluster, as shown to programs and sent over the wire. */
export interface GossipServer {
  /** The URL at which others reach the server, with a final slash: `https://<host>:<port>/`. */
  baseUrl: string
  /** Whether the server is a monitor, a preferred partner for gossip. */
  monitor: boolean
  /**
   * The time of this claim, in milliseconds since the epoch. Among claims about one server the
   * highest wins.
   */
  lastUpdate: number
}

/** Lists the servers that one server knows. */
export interface ServerList {
  /** Servers believed to be running, including this one unless it is drained. */
  online: GossipServer[]
  /** Servers that left, were drained or died within the last 24 hours. */
  offline?: GossipServer[]
}

/** The body of requests to, and responses of, `POST {baseUrl}clustershazbot/gossip`. */
export interface GossipMessage extends ServerList {
  message: 'gossip'
  /**
   * The message among servers of version 2; pass it on unchanged. A response has it only if the
   * request had it.
   */
  v2?: unknown
}

/** The body of `POST {baseUrl}clustershazbot/control`. */
export interface ControlMessage {
  message: 'control'
  /** `false` drains the server, `true` brings it back. */
  online: boolean
}

/** The environment variables after parsing and validation. */
export interface Config {
  /** Shared by all servers of the cluster; authenticates gossip. */
  SHAZBOT_SECRET: string
  /** Authenticates control requests, and list requests for the offline servers. */
  SHAZBOT_CONTROL_SECRET: string
  /** Opens the adapters' routes that only show something, as the control secret does too. */
  SHAZBOT_READ_SECRET?: string
  /** The URL from which the master list is downloaded: http, https or data. */
  SHAZBOT_MASTER_LIST: string
  /** The URL to which the master list is uploaded by PUT: http or https. */
  SHAZBOT_MASTER_LIST_UPDATE: string
  /** The `Authorization` header of an upload, sent unchanged. */
  SHAZBOT_MASTER_LIST_UPDATE_AUTH: string
  /**
   * The URL at which others reach this server: http or https, without query, fragment or
   * credentials.
   */
  SHAZBOT_BASE_URL: string
  /** Seconds between two gossip rounds. Default 30; at least 0.2, at most 86,400. */
  SHAZBOT_GOSSIP_INTERVAL: number
  /**
   * Seconds between two probes among servers of version 2. Default 1; at least 0.2, at most
   * 86,400. 0 turns off the protocol of version 2.
   */
  SHAZBOT_PROBE_INTERVAL?: number
  /**
   * The most other servers that this one knows, offline ones included. Default and upper bound
   * 100,000; at least 100.
   */
  SHAZBOT_MAX_SERVERS?: number
  /** The shortest time between two announcements to the master list, in seconds. Default 300. */
  SHAZBOT_MASTER_ANNOUNCE_MINIMUM: number
  /** The longest random time added to that minimum, in seconds. Default 600. */
  SHAZBOT_MASTER_ANNOUNCE_INTERVAL: number
  /** Whether this server is a monitor. Default false. */
  SHAZBOT_MONITOR: boolean
  /** Whether this server removes itself from the master list when it shuts down. Default false. */
  SHAZBOT_UPDATE_MASTER_LIST_ON_SHUTDOWN: boolean
  /** The path of a PEM file with the client certificate for requests to other servers. */
  SHAZBOT_TLS_CERT?: string
  /** The path of a PEM file with the private key of that certificate. */
  SHAZBOT_TLS_KEY?: string
  /** The path of a PEM file with the only authorities that are trusted for other servers. */
  SHAZBOT_TLS_CA?: string
  /**
   * The servers that this one contacts, as patterns separated by whitespace, such as
   * `10.0.0.0/8 https://*.example.com:3000`. Default: all.
   */
  SHAZBOT_ALLOW?: string
}

/**
 * Starts the engine of this JavaScript environment.
 *
 * Reads the environment variables, downloads the master list, greets the other servers and gossips
 * from then on. Requests are answered from the moment of the call. A second call joins the first.
 * Network errors never make it reject.
 *
 * @throws (rejects) `Error` with `code` `SHAZBOT_CONFIG`, which names the variable and its accepted
 *   values; no engine runs then. If variables are missing, the array `missing` lists all of them.
 */
export function shazbotStart(): Promise<void>

/**
 * Takes this server offline, tells the others, and ends the engine.
 *
 * Resolves within 5 s, or 15 s if it updates the master list, whatever the others do. Without a
 * running engine it resolves at once.
 */
export function shazbotShutDown(): Promise<void>

/**
 * Answers `POST /clustershazbot/gossip`: merges the caller's lists and returns this server's.
 *
 * @param authorizationHeader the request's `Authorization` header; must be `SHAZBOT_SECRET`
 * @param body the parsed JSON body
 * @throws (rejects) `Error` with `code` and `status`: `SHAZBOT_NOT_STARTED` (503),
 *   `SHAZBOT_UNAUTHORIZED` (401) or `SHAZBOT_BAD_MESSAGE` (400), checked in this order. The last
 *   one names the field; nothing is merged then.
 */
export function shazbotGossipRequest(authorizationHeader: string, body: GossipMessage): Promise<GossipMessage>

/**
 * Answers `GET /clustershazbot/list`.
 *
 * @param authorizationHeader with `SHAZBOT_CONTROL_SECRET` the result has the offline servers too,
 *   with anything else only the online ones
 * @throws (rejects) `Error` with `code` and `status`: `SHAZBOT_NOT_STARTED` (503), or
 *   `SHAZBOT_UNAUTHORIZED` (401) for an invalid signature, and for a header without a secret if
 *   `SHAZBOT_LIST` is `secret`
 */
export function shazbotListRequest(authorizationHeader: string): Promise<ServerList>

/**
 * Answers `POST /clustershazbot/control`: drains this server (`online: false`) or brings it back
 * (`online: true`).
 *
 * @param authorizationHeader the request's `Authorization` header; must be `SHAZBOT_CONTROL_SECRET`
 * @throws (rejects) `Error` with `code` and `status`: `SHAZBOT_NOT_STARTED` (503),
 *   `SHAZBOT_UNAUTHORIZED` (401) or `SHAZBOT_BAD_MESSAGE` (400), which names the field
 */
export function shazbotControlRequest(authorizationHeader: string, message: ControlMessage): Promise<void>

/**
 * Returns the servers that this one knows, as a fresh copy.
 *
 * @param includeOffline whether the result has the key `offline`. Default false.
 * @throws `Error` with `code` `SHAZBOT_NOT_STARTED` and `status` 503
 */
export function shazbotGetServerList(includeOffline?: boolean): ServerList
