//! The clock for this server's own stamps: a jump ahead counts only once it has lasted.
//!
//! Legacy peers and master lists judge by stamps alone, so they could not be corrected after a
//! stamp that is days ahead.

use std::time::Duration;

use crate::protocol::types::time::{Now, Stamp, Tick};

/// Jump ahead above which the clock is not believed at once. Smaller jumps are ordinary
/// corrections.
const JUMP_MS: i64 = 60_000;
/// Time after which a jump ahead is believed. A clock set by mistake is mostly set back sooner.
const SETTLING_TIME: Duration = Duration::from_secs(30);

/// The lead of the wall clock over the monotonic clock, in milliseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::protocol) struct Offset(i64);

impl Offset {
    pub(in crate::protocol) fn of(now: Now) -> Self {
        let millis = |value: u64| i64::try_from(value).unwrap_or(i64::MAX);
        Self(millis(now.wall.0).saturating_sub(millis(now.tick.0)))
    }

    /// Whether the wall clock has jumped ahead since the offset was `earlier`.
    pub(in crate::protocol) fn has_jumped_since(self, earlier: Self) -> bool {
        self.0.saturating_sub(earlier.0) > JUMP_MS
    }

    fn wall(self, tick: Tick) -> Stamp {
        Stamp(tick.0.saturating_add_signed(self.0))
    }
}

/// A wall clock that follows a jump ahead late, and a step back at once.
#[derive(Debug)]
pub(in crate::protocol) struct StampClock {
    believed: Offset,
    ahead_since: Option<Tick>,
}

impl StampClock {
    pub(in crate::protocol) fn new(now: Now) -> Self {
        Self { believed: Offset::of(now), ahead_since: None }
    }

    pub(in crate::protocol) fn read(&mut self, now: Now) -> Stamp {
        let offset = Offset::of(now);
        if offset.has_jumped_since(self.believed) {
            let since = *self.ahead_since.get_or_insert(now.tick);
            if now.tick.since(since) < SETTLING_TIME {
                return self.believed.wall(now.tick);
            }
        }
        self.believed = offset;
        self.ahead_since = None;
        now.wall
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const WALL: u64 = 1_700_000_000_000;
    const DAY: i64 = 86_400_000;

    fn at(tick: u64, offset: i64) -> Now {
        Now { tick: Tick(tick), wall: Stamp((WALL + tick).saturating_add_signed(offset)) }
    }

    #[test]
    fn a_short_jump_ahead_is_ignored() {
        let mut clock = StampClock::new(at(0, 0));
        assert_eq!(clock.read(at(1_000, 2 * DAY)), Stamp(WALL + 1_000));
        assert_eq!(clock.read(at(29_000, 2 * DAY)), Stamp(WALL + 29_000));
        assert_eq!(clock.read(at(30_000, 0)), Stamp(WALL + 30_000));
        assert_eq!(clock.read(at(40_000, 2 * DAY)), Stamp(WALL + 40_000), "another jump starts a new wait");
    }

    #[test]
    fn a_lasting_jump_and_any_step_back_are_believed() {
        let mut clock = StampClock::new(at(0, 0));
        clock.read(at(1_000, DAY));
        assert_eq!(clock.read(at(31_000, DAY)), at(31_000, DAY).wall);
        assert_eq!(clock.read(at(32_000, 0)), at(32_000, 0).wall);
        assert_eq!(clock.read(at(33_000, 5_000)), at(33_000, 5_000).wall, "a small correction");
        assert_eq!(clock.read(at(33_500, -(WALL as i64))), at(33_500, -(WALL as i64)).wall, "1970");
    }
}
