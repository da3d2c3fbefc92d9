//! Time, as it is passed in: a monotonic tick for delays and the wall clock for stamps.

use std::ops::Add;
use std::time::Duration;

use serde::Serialize;

/// Milliseconds on a clock that never steps back; its zero has no meaning.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct Tick(pub u64);

impl Tick {
    /// How long ago `earlier` was; zero if it lies ahead.
    pub fn since(self, earlier: Tick) -> Duration {
        Duration::from_millis(self.0.saturating_sub(earlier.0))
    }
}

impl Add<Duration> for Tick {
    type Output = Tick;

    fn add(self, delay: Duration) -> Tick {
        Tick(self.0.saturating_add(millis(delay)))
    }
}

/// A `lastUpdate`: milliseconds since the epoch on somebody's wall clock, which may be wrong by hours.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, Serialize)]
#[serde(transparent)]
pub struct Stamp(pub u64);

impl Stamp {
    /// The next later stamp.
    pub fn next(self) -> Stamp {
        Stamp(self.0.saturating_add(1))
    }

    /// How much older this stamp is than `now`; zero if it lies ahead.
    pub fn age(self, now: Stamp) -> Duration {
        Duration::from_millis(now.0.saturating_sub(self.0))
    }
}

impl Add<Duration> for Stamp {
    type Output = Stamp;

    fn add(self, delay: Duration) -> Stamp {
        Stamp(self.0.saturating_add(millis(delay)))
    }
}

/// The present, on both clocks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Now {
    /// For delays.
    pub tick: Tick,
    /// For stamps; may step in either direction.
    pub wall: Stamp,
}

fn millis(delay: Duration) -> u64 {
    u64::try_from(delay.as_millis()).unwrap_or(u64::MAX)
}
