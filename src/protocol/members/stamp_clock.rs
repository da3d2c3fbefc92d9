//! The clock that this server's own stamps are taken from: a jump ahead counts only once it has lasted.
//!
//! Whoever judges by stamps alone (an original, a master list) can't be talked out of one that lies days ahead.

use std::time::Duration;

use crate::protocol::types::time::{Now, Stamp, Tick};

/// A jump ahead by more than this is believed later; smaller ones are corrections of a sound clock.
const JUMP_MS: i64 = 60_000;
/// A jump ahead is believed after this time, in which a clock that was set by mistake is mostly set back.
const LASTS: Duration = Duration::from_secs(30);

/// How far the wall clock is ahead of the monotonic one, in milliseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::protocol) struct Offset(i64);

impl Offset {
    pub(in crate::protocol) fn of(now: Now) -> Self {
        let millis = |value: u64| i64::try_from(value).unwrap_or(i64::MAX);
        Self(millis(now.wall.0).saturating_sub(millis(now.tick.0)))
    }

    /// Whether the wall clock has jumped ahead since it was `earlier`.
    pub(in crate::protocol) fn has_jumped_since(self, earlier: Self) -> bool {
        self.0.saturating_sub(earlier.0) > JUMP_MS
    }

    fn wall(self, tick: Tick) -> Stamp {
        Stamp(tick.0.saturating_add_signed(self.0))
    }
}

/// A wall clock that jumps ahead late, and back at once.
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
            if now.tick.since(since) < LASTS {
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
    fn a_jump_ahead_of_some_seconds_leaves_no_trace() {
        let mut clock = StampClock::new(at(0, 0));
        assert_eq!(clock.read(at(1_000, 2 * DAY)), Stamp(WALL + 1_000));
        assert_eq!(clock.read(at(29_000, 2 * DAY)), Stamp(WALL + 29_000));
        assert_eq!(clock.read(at(30_000, 0)), Stamp(WALL + 30_000));
        assert_eq!(clock.read(at(40_000, 2 * DAY)), Stamp(WALL + 40_000), "another jump begins anew");
    }

    #[test]
    fn one_that_lasts_is_believed_and_so_is_any_step_back() {
        let mut clock = StampClock::new(at(0, 0));
        clock.read(at(1_000, DAY));
        assert_eq!(clock.read(at(31_000, DAY)), at(31_000, DAY).wall);
        assert_eq!(clock.read(at(32_000, 0)), at(32_000, 0).wall);
        assert_eq!(clock.read(at(33_000, 5_000)), at(33_000, 5_000).wall, "a small correction");
        assert_eq!(clock.read(at(33_500, -(WALL as i64))), at(33_500, -(WALL as i64)).wall, "1970");
    }
}
