//! What is known of servers: of this one, of the others, and of the forgotten.
//!
//! May touch `context` and below.

pub(in crate::protocol) mod archive;
pub(in crate::protocol) mod local_server;
pub(in crate::protocol) mod member;
pub(in crate::protocol) mod roster;
pub(in crate::protocol) mod stamp_clock;
