//! A summary of a run: counts, and a digest that identifies it.

use super::clock::Millis;

/// The summary of a run.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct Trace {
    /// The number of steps.
    pub steps: u64,
    /// The same for the same run, and almost always different for another.
    pub digest: u64,
    /// Lost messages.
    pub lost: u64,
    /// Duplicated requests.
    pub duplicates: u64,
    /// Requests to hosts without a listener.
    pub refused: u64,
    /// Requests that waited for JavaScript.
    pub stalled: u64,
    /// Crashed processes.
    pub crashes: u64,
    /// Hosts that vanished.
    pub vanishings: u64,
    /// Addresses taken over by another service.
    pub takeovers: u64,
    /// Restarted processes.
    pub restarts: u64,
    /// Graceful leaves that started.
    pub leaves: u64,
    /// Servers drained or brought back.
    pub controls: u64,
    /// Partitions that started.
    pub partitions: u64,
    /// Wall clocks that were wrong for a while, and servers that started with one.
    pub glitches: u64,
    /// Cut directions.
    pub cuts: u64,
}

impl Trace {
    pub(super) fn record(&mut self, at: Millis, kind: u64, who: u64, value: u64) {
        self.steps += 1;
        for word in [at, kind, who, value] {
            self.digest = (self.digest ^ word).wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(29);
        }
    }
}
