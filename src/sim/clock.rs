//! Virtual time: one tick for all, and wall clocks that are off by as much as a scenario wants.

use crate::protocol::time::{Now, Stamp, Tick};

/// Milliseconds since the world began.
pub type Millis = u64;

/// What a right wall clock shows when the world begins.
pub const EPOCH: Millis = 1_700_000_000_000;

/// A wall clock that is wrong for a while, and then right again.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Glitch {
    /// By how many milliseconds more it is off meanwhile.
    pub by: i64,
    /// How long that lasts.
    pub lasts: Millis,
}

/// The present of a server whose wall clock is off by `offset` milliseconds.
pub fn present(time: Millis, offset: i64) -> Now {
    Now { tick: Tick(time), wall: Stamp((EPOCH + time).saturating_add_signed(offset)) }
}
