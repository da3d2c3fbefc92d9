//! The numbers of a running server, for operators.

use std::time::Duration;

use super::engine::Engine;
pub use super::sent_requests::{BUCKETS, Durations, REQUEST_KINDS, REQUEST_OUTCOMES, SentRequests};
use crate::protocol::metrics::Metrics;

/// What the driver counts itself.
#[derive(Debug)]
pub struct DriverMetrics {
    /// The requests that have ended.
    pub sent: SentRequests,
    /// Bytes of the bodies of these requests, and of their responses.
    pub bytes: [u64; 2],
    /// The latest measured lag of the event loop.
    pub lag: Duration,
}

impl Engine {
    /// Lets a function read the numbers, in constant time.
    pub fn metrics<T>(&self, read: impl FnOnce(&Metrics<'_>, &DriverMetrics) -> T) -> T {
        let shared = &self.shared;
        let driver =
            DriverMetrics { sent: shared.sent_requests(), bytes: shared.bytes.totals(), lag: shared.lag() };
        shared.read(|machine| read(&machine.metrics(), &driver))
    }
}
