//! Limits that several components share.

use std::time::Duration;

/// No roster grows beyond this, tombstones included.
pub(super) const MAX_MEMBERS: usize = 100_000;
/// A tombstone leaves the lists so long after its stamp, or after it came, whichever is first.
pub(super) const TOMBSTONE_KEPT: Duration = Duration::from_secs(24 * 60 * 60);
/// A tombstone is told unasked for so long; afterwards only to those who contradict it.
pub(super) const TOMBSTONE_TOLD: Duration = Duration::from_secs(15 * 60);
/// An event loop that lags so far behind keeps this server from answering.
pub(super) const LAGS: Duration = Duration::from_secs(1);
/// Bytes of claims in one message among native servers, at most.
pub(super) const MAX_CLAIM_BYTES: usize = 60_000;
/// Bytes of claims beside a page of plain lists, at most.
pub(super) const MAX_CLAIM_BYTES_BESIDE_LISTS: usize = 8_000;
