//! Which requests are under way, and what goes into them.
//!
//! May touch `members` and below.

pub(in crate::protocol) mod in_flight;
pub(in crate::protocol) mod page;
