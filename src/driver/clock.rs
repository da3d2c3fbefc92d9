//! The only place of this crate that reads the clocks.
#![expect(clippy::disallowed_types, reason = "every other place is given the time as an argument")]

use std::time::{SystemTime, UNIX_EPOCH};

use tokio::time::{Duration, Instant};

use crate::protocol::time::{Now, Stamp, Tick};

/// The tick of the start: two days in milliseconds, so that earlier events (an old tombstone) have
/// a tick.
const START_TICK: u64 = 2 * 24 * 60 * 60 * 1000;

#[derive(Debug, Clone)]
pub(super) struct Clock {
    origin: Instant,
}

impl Clock {
    pub(super) fn new() -> Self {
        Self { origin: Instant::now() }
    }

    pub(super) fn now(&self) -> Now {
        Now { tick: Tick(millis(self.origin.elapsed()) + START_TICK), wall: wall() }
    }

    /// Milliseconds since the start.
    pub(super) fn uptime(&self, now: Now) -> u64 {
        now.tick.0.saturating_sub(START_TICK)
    }

    pub(super) fn instant(&self, tick: Tick) -> Instant {
        self.origin + Duration::from_millis(tick.0.saturating_sub(START_TICK))
    }
}

fn wall() -> Stamp {
    // A clock before 1970 counts as 1970.
    Stamp(millis(SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default()))
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
