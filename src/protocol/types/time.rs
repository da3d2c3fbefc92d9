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

impl Tick {
    /// The moment so long before; the beginning of the clock, if that is later.
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

/// A moment in half the space of a tick, in steps of 64 ms: enough for nine years, and far finer than what it is compared with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub(in crate::protocol) struct Moment(u32);

impl From<Tick> for Moment {
    fn from(tick: Tick) -> Self {
        Self(u32::try_from(tick.0 >> 6).unwrap_or(u32::MAX))
    }
}

impl Moment {
    /// Up to 64 ms too early.
    pub(in crate::protocol) fn tick(self) -> Tick {
        Tick(u64::from(self.0) << 6)
    }

    /// How long ago it was; up to 64 ms too long.
    pub(in crate::protocol) fn age(self, now: Tick) -> Duration {
        now.since(self.tick())
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

/// The version of what native servers say of one: grows only by the word of that server, or of one that has asked it.
///
/// The first one is the wall clock in seconds at start, so that a server that comes back is newer than before.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, Serialize)]
#[serde(transparent)]
pub struct Incarnation(pub u32);

impl Incarnation {
    /// That of a server that was never known to be native.
    pub const NONE: Incarnation = Incarnation(0);

    /// The first one of a server that starts now.
    pub fn first(wall: Stamp) -> Incarnation {
        Incarnation(u32::try_from(wall.0 / 1000).unwrap_or(u32::MAX).max(1))
    }

    /// The next higher one.
    pub fn next(self) -> Incarnation {
        Incarnation(self.0.saturating_add(1))
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
