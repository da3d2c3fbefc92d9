import type { GossipServer } from '../../index.js'

/** The options of `shazbotRunOnce`. */
export interface ShazbotRunOnceOptions {
  /** Milliseconds without news of servers before a view counts as settled. The default is 2,000. */
  quiet?: number
  /** The longest wait for a settled view, in milliseconds. The default is 30,000. */
  within?: number
  /** The fewest servers online, this one included, among which it runs. The default is 1. */
  atLeast?: number
  /**
   * Ends the wait, which makes the promise reject with the signal's reason. If the function runs
   * already, its own signal aborts too.
   */
  signal?: AbortSignal
}

/**
 * Why `shazbotRunOnce` has not called the function. The first one in this order counts:
 *
 * - `not started`: no engine runs.
 * - `drained`: this server is drained or shuts down.
 * - `not settled`: this server was still starting after `within`, or news of servers kept coming.
 * - `isolated`: this server has lost contact with most others within a short time.
 * - `too few`: fewer than `atLeast` servers are online.
 * - `not owner`: another server owns the key.
 */
export type ShazbotNotRun = 'not owner' | 'not settled' | 'too few' | 'isolated' | 'drained' | 'not started'

/** What has become of a call of `shazbotRunOnce`. */
export type ShazbotRunOnceResult<T> =
  | { ran: true; value: T }
  | {
      ran: false
      why: ShazbotNotRun
      /** With `not owner`, the server that owns the key. */
      owner?: GossipServer
    }

/**
 * Returns the server that owns a key, among those that this server knows to be online. Servers with
 * the same list agree. When a server goes, only its keys get other owners; when one of N servers
 * has come, it owns one in N keys, and the others keep theirs.
 *
 * @param key any text. Lone surrogates count as U+FFFD.
 * @returns a frozen copy; undefined if no server is online, because this one is drained and alone
 * @throws `TypeError` if the key is not a string; `Error` with `code` `SHAZBOT_NOT_STARTED` and
 *   `status` 503
 */
export function shazbotOwner(key: string): GossipServer | undefined

/**
 * Returns the server that owns a key, followed by those that would own it next if the servers
 * before them went.
 *
 * @param count the number of servers, at least 1. If fewer are online, the result has all of them.
 * @returns a frozen array of frozen copies
 * @throws like `shazbotOwner`, and `RangeError` if the count is not a whole number of at least 1
 */
export function shazbotOwners(key: string, count: number): GossipServer[]

/**
 * Returns whether this server owns a key. False while it is drained or shuts down.
 *
 * @throws like `shazbotOwner`
 */
export function shazbotOwns(key: string): boolean

/**
 * Calls a function if this server owns a key. Call it on all servers: one of them runs the function
 * while all agree on who is online. During a change or a partition, none or two may;
 * `docs/owners.md` has the details.
 *
 * First it waits until no news of servers has come for `quiet` milliseconds. The signal that it
 * passes aborts when this server stops being the owner, is drained, isolated or shut down. The
 * promise always waits for the function, and rejects with its error.
 *
 * @throws (rejects) `TypeError` if the key is not a string, `run` is not a function or `signal` is
 *   not an `AbortSignal`; `RangeError` that names an option with an invalid number
 */
export function shazbotRunOnce<T>(
  key: string,
  run: (signal: AbortSignal) => T | Promise<T>,
  options?: ShazbotRunOnceOptions,
): Promise<ShazbotRunOnceResult<T>>
