//! The admission of claims, and their effect on the known members.
//!
//! May touch `exchanges` and below.

use crate::protocol::merging::clocks::Rejected;
use crate::protocol::merging::mistakes::Mistakes;
use crate::protocol::merging::newcomers::Newcomers;
use crate::protocol::merging::outsiders::Outsiders;

pub(in crate::protocol) mod about_self;
pub(in crate::protocol) mod clocks;
mod hints;
pub(in crate::protocol) mod intake;
mod mistakes;
pub(in crate::protocol) mod native;
pub(in crate::protocol) mod newcomers;
pub(in crate::protocol) mod outsiders;
pub(in crate::protocol) mod plain;

/// The servers that are not admitted, the claims rejected because of the clock, those that are
/// probably mistakes, and the limit of new names.
#[derive(Debug, Default)]
pub(in crate::protocol) struct Merging {
    pub(in crate::protocol) outsiders: Outsiders,
    pub(in crate::protocol) rejected: Rejected,
    mistakes: Mistakes,
    pub(in crate::protocol) newcomers: Newcomers,
}
