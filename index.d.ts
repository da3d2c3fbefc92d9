/** One server of the cluster, as it is shown to programs and sent over the wire. */
export interface GossipServer {
  /** Where the server is reached, with a final slash; typically `https://<host>:<port>/`. */
  baseUrl: string
  /** Whether the server is a monitor: monitors are preferred partners for gossip. */
  monitor: boolean
  /** When this news of the server was stamped, in milliseconds since the epoch; among claims about a server the highest wins. */
  lastUpdate: number
}

/** The servers known to one server. */
export interface ServerList {
  /** Servers that are believed to be running, this one included unless it is drained. */
  online: GossipServer[]
  /** Servers that left, were drained or died within the last 24 hours. */
  offline?: GossipServer[]
}

/** What servers send to, and answer from, `POST {baseUrl}clustershazbot/gossip`. */
export interface GossipMessage extends ServerList {
  message: 'gossip'
  /** What servers of version 2 say among themselves; to be passed on as it is. An answer has it only if the request had it. */
  v2?: unknown
}

/** The body of `POST {baseUrl}clustershazbot/control`. */
export interface ControlMessage {
  message: 'control'
  /** `false` drains the server, `true` brings it back. */
  online: boolean
}

/** The environment variables, as they are understood once read and checked. */
export interface Config {
  /** Shared by all servers of the cluster; authenticates gossip. */
  SHAZBOT_SECRET: string
  /** Authenticates control requests, and list requests that want to see offline servers too. */
  SHAZBOT_CONTROL_SECRET: string
  /** Where the master list is downloaded from: an http, https or data URL. */
  SHAZBOT_MASTER_LIST: string
  /** Where the master list is uploaded to by PUT: an http or https URL. */
  SHAZBOT_MASTER_LIST_UPDATE: string
  /** The `Authorization` header of an upload, sent as it is. */
  SHAZBOT_MASTER_LIST_UPDATE_AUTH: string
  /** Where this server is reached by the others: an http or https URL without query, fragment or credentials. */
  SHAZBOT_BASE_URL: string
  /** Seconds between two gossip rounds. Default 30; at least 0.2, at most 86,400. */
  SHAZBOT_GOSSIP_INTERVAL: number
  /**
   * Seconds between two probes among servers of version 2; 0 turns their extension of the protocol off. Default 1; above 0 at
   * least 0.2, at most 86,400.
   */
  SHAZBOT_PROBE_INTERVAL?: number
  /** Seconds before the next announcement to the master list, at least. Default 300. */
  SHAZBOT_MASTER_ANNOUNCE_MINIMUM: number
  /** Seconds added to the minimum at most, at random. Default 600. */
  SHAZBOT_MASTER_ANNOUNCE_INTERVAL: number
  /** Whether this server is a monitor. Default false. */
  SHAZBOT_MONITOR: boolean
  /** Whether this server takes itself off the master list when it shuts down. Default false. */
  SHAZBOT_UPDATE_MASTER_LIST_ON_SHUTDOWN: boolean
}

/**
 * Starts the engine of this JavaScript environment: reads the environment variables, downloads the master list, announces this
 * server to others, and gossips from then on. Requests are answered from the moment of the call.
 * A second start joins the first. Trouble on the network never rejects.
 *
 * @throws (rejects) `Error` with `code` `SHAZBOT_CONFIG` that names the variable and what it may be; nothing runs then. If variables
 *   are missing, the array `missing` names all of them.
 */
export function shazbotStart(): Promise<void>

/**
 * Takes this server offline, tells the others, and ends the engine. Resolves within seconds, whatever the others do; without a
 * running engine at once.
 */
export function shazbotShutDown(): Promise<void>

/**
 * Answers `POST /clustershazbot/gossip`: merges what the caller knows and returns what this server knows.
 *
 * @param authorizationHeader the request's `Authorization` header; must be `SHAZBOT_SECRET`
 * @param body the parsed JSON body
 * @throws (rejects) `Error` with `code` and `status`: `SHAZBOT_NOT_STARTED` (503), `SHAZBOT_UNAUTHORIZED` (401), or
 * `SHAZBOT_BAD_MESSAGE` (400), which names the field; checked in this order, and nothing is merged then.
 */
export function shazbotGossipRequest(authorizationHeader: string, body: GossipMessage): Promise<GossipMessage>

/**
 * Answers `GET /clustershazbot/list`.
 *
 * @param authorizationHeader with `SHAZBOT_CONTROL_SECRET` the offline servers are listed too; with anything else, the online ones
 * @throws (rejects) `Error` with `code` `SHAZBOT_NOT_STARTED` and `status` 503
 */
export function shazbotListRequest(authorizationHeader: string): Promise<ServerList>

/**
 * Answers `POST /clustershazbot/control`: drains this server (`online: false`) or brings it back (`online: true`).
 *
 * @param authorizationHeader the request's `Authorization` header; must be `SHAZBOT_CONTROL_SECRET`
 * @throws (rejects) `Error` with `code` and `status`: `SHAZBOT_NOT_STARTED` (503), `SHAZBOT_UNAUTHORIZED` (401), or
 * `SHAZBOT_BAD_MESSAGE` (400), which names the field
 */
export function shazbotControlRequest(authorizationHeader: string, message: ControlMessage): Promise<void>

/**
 * The servers known to this one, as a fresh copy.
 *
 * @param includeOffline whether the key `offline` is wanted. Default false.
 * @throws `Error` with `code` `SHAZBOT_NOT_STARTED` and `status` 503
 */
export function shazbotGetServerList(includeOffline?: boolean): ServerList
