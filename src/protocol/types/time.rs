//! Time as the caller passes it in: a monotonic tick for delays, the wall clock for stamps.

use std::ops::Add;
use std::time::Duration;

use serde::Serialize;

/// Milliseconds on a monotonic clock; its zero has no meaning.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct Tick(pub u64);

impl Tick {
    /// Later than any other tick.
    pub(in crate::protocol) const NEVER: Tick = Tick(u64::MAX);

    /// Time since `earlier`; zero if that is ahead.
    pub fn since(self, earlier: Tick) -> Duration {
        Duration::from_millis(self.0.saturating_sub(earlier.0))
    }
}

impl Tick {
    /// The moment `delay` earlier, or the start of the clock if that is later.
    pub fn before(self, delay: Duration) -> Tick {
        Tick(self.0.saturating_sub(millis(delay)))
    }
}

impl Add<Duration> for Tick {
    type Output = Tick;

    fn add(self, delay: Duration) -> Tick {
        Tick(self.0.saturating_add(millis(delay)))
    }
}

/// A tick in 32 bits, in steps of 64 ms: enough for nine years, and much finer than the delays it
/// is compared with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub(in crate::protocol) struct Moment(u32);

impl From<Tick> for Moment {
    fn from(tick: Tick) -> Self {
        Self(u32::try_from(tick.0 >> 6).unwrap_or(u32::MAX))
    }
}

impl Moment {
    /// Rounds down by up to 64 ms.
    pub(in crate::protocol) fn tick(self) -> Tick {
        Tick(u64::from(self.0) << 6)
    }

    /// Time since this moment, up to 64 ms too long.
    pub(in crate::protocol) fn age(self, now: Tick) -> Duration {
        now.since(self.tick())
    }
}

/// A `lastUpdate`: milliseconds since the epoch on some server's wall clock, which may be wrong by
/// hours.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, Serialize)]
#[serde(transparent)]
pub struct Stamp(pub u64);

impl Stamp {
    /// The next later stamp.
    pub fn next(self) -> Stamp {
        Stamp(self.0.saturating_add(1))
    }

    /// The age of this stamp at `now`; zero if it is ahead.
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

/// The version of a native server. Only the server itself raises it, or a peer to which it has just
/// answered.
///
/// It starts as the wall clock in seconds, so a server that restarts is newer than before.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, Serialize)]
#[serde(transparent)]
pub struct Incarnation(pub u32);

impl Incarnation {
    /// The incarnation of a server that was never known to be native.
    pub const NONE: Incarnation = Incarnation(0);

    /// The first incarnation of a server that starts now.
    pub fn first(wall: Stamp) -> Incarnation {
        Incarnation(u32::try_from(wall.0 / 1000).unwrap_or(u32::MAX).max(1))
    }

    /// The next higher incarnation.
    pub fn next(self) -> Incarnation {
        Incarnation(self.0.saturating_add(1))
    }
}

/// The current time on both clocks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Now {
    /// For delays.
    pub tick: Tick,
    /// For stamps; may jump in either direction.
    pub wall: Stamp,
}

fn millis(delay: Duration) -> u64 {
    u64::try_from(delay.as_millis()).unwrap_or(u64::MAX)
}
