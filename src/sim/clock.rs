//! Virtual time: one tick for all servers, and wall clocks with any offset.

use crate::protocol::time::{Now, Stamp, Tick};

/// Milliseconds since the start of the world.
pub type Millis = u64;

/// The correct wall-clock time at the start of the world.
pub const EPOCH: Millis = 1_700_000_000_000;

/// A wall clock that is wrong for a while.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Glitch {
    /// The additional offset in milliseconds.
    pub by: i64,
    /// How long it lasts.
    pub lasts: Millis,
}

/// Returns the present of a server whose wall clock has this offset in milliseconds.
pub fn present(time: Millis, offset: i64) -> Now {
    Now { tick: Tick(time), wall: Stamp((EPOCH + time).saturating_add_signed(offset)) }
}
