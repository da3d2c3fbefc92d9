//! Which requests are under way, and what goes into them.
//!
//! May touch `members` and below.

pub(in crate::protocol) mod flights;
pub(in crate::protocol) mod page;
