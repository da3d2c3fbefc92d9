//! Admission of what others say, and how it changes what is known.
//!
//! May touch `exchanges` and below.

use crate::protocol::merging::clocks::Rejected;
use crate::protocol::merging::outsiders::Outsiders;

pub(in crate::protocol) mod about_self;
pub(in crate::protocol) mod clocks;
mod hints;
pub(in crate::protocol) mod intake;
pub(in crate::protocol) mod native;
pub(in crate::protocol) mod outsiders;
pub(in crate::protocol) mod plain;

/// Whose claims are not admitted, and what was rejected because of the clock.
#[derive(Debug, Default)]
pub(in crate::protocol) struct Merging {
    pub(in crate::protocol) outsiders: Outsiders,
    pub(in crate::protocol) rejected: Rejected,
}
