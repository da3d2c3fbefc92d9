import type { EventEmitter } from 'node:events'
import type { GossipServer } from '../../index.js'

/** The state of a server, as this one sees it. Suspects are still shown online. */
export type ShazbotState = 'online' | 'suspect' | 'dead' | 'left'

/** A change of the state of one server. */
export interface ShazbotNews {
  /**
   * - `up`: it has come, or come back; `previous` says which.
   * - `suspect`: it has fallen silent, and is still shown online.
   * - `trust`: it was a suspect, and no longer is.
   * - `down`: it was declared dead.
   * - `leave`: it said itself that it is offline: drained or stopped, which others cannot tell.
   * - `forget`: it is no longer shown at all, mostly because its tombstone has expired.
   */
  readonly type: 'up' | 'suspect' | 'trust' | 'down' | 'leave' | 'forget'
  /** Its entry at that time. */
  readonly server: Readonly<GossipServer>
  readonly state: ShazbotState | 'forgotten'
  /** Its state as told last; in the first change of a watch, nothing was told before. */
  readonly previous: ShazbotState | 'unknown'
  /**
   * How this server knows:
   *
   * - `answered`: it has asked the server.
   * - `said`: the server itself has told it.
   * - `refused`: the server's port is closed, or rejects it.
   * - `silent`: the server gives no valid answer.
   * - `rumour`: other servers claim it.
   * - `list`: the master list names the server.
   * - `control`: a control request to this server.
   * - `age`: the server's tombstone has expired.
   * - `known`: in snapshots, if the cause is not kept any more.
   */
  readonly cause: 'answered' | 'said' | 'refused' | 'silent' | 'rumour' | 'list' | 'control' | 'age' | 'known'
  /** Whether it is about this server itself. */
  readonly self: boolean
  /** When this server learned of it, in milliseconds since the epoch, on its own clock. */
  readonly at: number
  /** Its number: the news of one engine are numbered from 1, without gaps. */
  readonly view: number
}

/** Everything that came up since the event loop last got round to it. */
export interface ShazbotChange {
  /** The number of the latest news. */
  readonly view: number
  /** The time of the latest news, in milliseconds since the epoch. */
  readonly at: number
  readonly news: readonly ShazbotNews[]
  /**
   * Whether `news` is the difference between what was told last and what is: in the first change of
   * a watch, and for readers that lag more than 1,024 pieces of news behind.
   */
  readonly snapshot: boolean
  /** Servers shown online, including suspects and this one. */
  readonly online: number
}

/** The state of this server, and what it knows in numbers. */
export interface ShazbotStatus {
  /**
   * - `stopped`: no engine runs.
   * - `starting`: `shazbotStart()` has not resolved yet.
   * - `running`: it runs.
   * - `drained`: it runs, but a control request has taken it offline.
   * - `leaving`: `shazbotShutDown()` has not resolved yet.
   */
  readonly phase: 'stopped' | 'starting' | 'running' | 'drained' | 'leaving'
  /** Whether it reaches almost no other server, and so declares no more servers dead. */
  readonly isolated: boolean
  /** Whether other processes speak for its URL, as in Node's `cluster`. */
  readonly siblings: boolean
  /** The number of the latest news. */
  readonly view: number
  /** Servers shown online, including suspects and this one. */
  readonly online: number
  readonly suspects: number
  readonly dead: number
  readonly left: number
  /** Milliseconds since the latest news. */
  readonly quietFor: number
  /**
   * How long the event loop took to answer the engine last, in milliseconds; if that was late,
   * since the answer before. The engine asks once per second, and twice after a slow answer; it
   * does not with `SHAZBOT_PROBE_INTERVAL=0`, and the lag is then 0.
   */
  readonly lag: number
}

/** The events of {@link shazbotEvents}, and the arguments of their listeners. */
export interface ShazbotEventMap {
  up: [news: ShazbotNews]
  suspect: [news: ShazbotNews]
  trust: [news: ShazbotNews]
  down: [news: ShazbotNews]
  leave: [news: ShazbotNews]
  forget: [news: ShazbotNews]
  change: [change: ShazbotChange]
  status: [status: ShazbotStatus]
}

/** A listener of one of the events. If its promise rejects, that is an `uncaughtException`. */
export type ShazbotListener<Name extends keyof ShazbotEventMap> = (
  ...values: ShazbotEventMap[Name]
) => unknown

/** An `EventEmitter` with the names of its events. */
export interface ShazbotEvents extends EventEmitter {
  addListener<Name extends keyof ShazbotEventMap>(name: Name, listener: ShazbotListener<Name>): this
  on<Name extends keyof ShazbotEventMap>(name: Name, listener: ShazbotListener<Name>): this
  once<Name extends keyof ShazbotEventMap>(name: Name, listener: ShazbotListener<Name>): this
  prependListener<Name extends keyof ShazbotEventMap>(name: Name, listener: ShazbotListener<Name>): this
  prependOnceListener<Name extends keyof ShazbotEventMap>(name: Name, listener: ShazbotListener<Name>): this
  removeListener<Name extends keyof ShazbotEventMap>(name: Name, listener: ShazbotListener<Name>): this
  off<Name extends keyof ShazbotEventMap>(name: Name, listener: ShazbotListener<Name>): this
}

/** The options of {@link shazbotWatch}. */
export interface ShazbotWatchOptions {
  /** Ends the watch, without an error. */
  signal?: AbortSignal
  /** Whether the first change has all present servers. The default is true. */
  snapshot?: boolean
  /**
   * Milliseconds without news before the watch yields; at the latest, it yields after ten times
   * that. What has cancelled itself out is not told. The default is 0.
   */
  settle?: number
}

/** An async iterator of changes, which ends after this server's own leave. */
export interface ShazbotWatch extends AsyncIterableIterator<ShazbotChange> {
  next(): Promise<IteratorResult<ShazbotChange, undefined>>
  /** Ends the watch. */
  return(): Promise<IteratorResult<ShazbotChange, undefined>>
  [Symbol.asyncIterator](): ShazbotWatch
  /** Ends the watch, for `await using`. */
  [Symbol.asyncDispose](): Promise<void>
}

/** The options of {@link shazbotSettled}. */
export interface ShazbotSettledOptions {
  /** Milliseconds without news. The default is 2,000. */
  quiet?: number
  /** Servers that must be online, this one included. The default is 1. */
  atLeast?: number
  /** Rejects the promise with the reason of the abort. */
  signal?: AbortSignal
}

/**
 * Emits the news of this JavaScript environment's engines, from now on. Listeners outlive a
 * shutdown and hear the next engine; they do not keep the process alive.
 */
export const shazbotEvents: ShazbotEvents

/**
 * Returns an iterator of changes for `for await`. Its first change has all present servers, unless
 * `snapshot` is false or no engine runs yet. A slow reader holds up nobody. Throws a `TypeError` or
 * `RangeError` that names an invalid option.
 */
export function shazbotWatch(options?: ShazbotWatchOptions): ShazbotWatch

/** Returns the state of this server. Never throws. */
export function shazbotStatus(): ShazbotStatus

/**
 * Resolves once this server runs, knows enough servers online, and has had no news for a while.
 * Waits for a start. Rejects with a `TypeError` or `RangeError` that names an invalid option.
 */
export function shazbotSettled(options?: ShazbotSettledOptions): Promise<ShazbotStatus>
