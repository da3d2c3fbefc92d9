//! What has happened, in brief: counts, and a digest that is the same for the same run.

use super::clock::Millis;

/// What has happened.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct Trace {
    /// How much has happened.
    pub steps: u64,
    /// The same for the same run, and hardly for another.
    pub digest: u64,
    /// Messages that got lost.
    pub lost: u64,
    /// Requests that arrived once more.
    pub echoes: u64,
    /// Requests that found nobody listening.
    pub refused: u64,
    /// Requests that waited for JavaScript.
    pub stalled: u64,
    /// Processes that ended without a word.
    pub crashes: u64,
    /// Hosts that vanished.
    pub vanishings: u64,
    /// Addresses that another service took over.
    pub takeovers: u64,
    /// Processes that were started again.
    pub restarts: u64,
    /// Graceful leaves that were begun.
    pub leaves: u64,
    /// Times that a server was drained or brought back.
    pub controls: u64,
    /// Partitions that began.
    pub partitions: u64,
    /// Times that a wall clock was wrong for a while, and servers that started with one.
    pub glitches: u64,
    /// Directions that were cut.
    pub cuts: u64,
}

impl Trace {
    pub(super) fn note(&mut self, at: Millis, kind: u64, who: u64, what: u64) {
        self.steps += 1;
        for word in [at, kind, who, what] {
            self.digest = (self.digest ^ word).wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(29);
        }
    }
}
