//! What every component needs and none owns: configuration, timers, output, the log.
//!
//! May touch `wire` and below.

pub mod config;
pub(in crate::protocol) mod deadlines;
pub(in crate::protocol) mod log;
pub mod output;
pub(in crate::protocol) mod parsing;
pub(in crate::protocol) mod printable;
pub(in crate::protocol) mod rate_limit;
pub mod secret;
pub(in crate::protocol) mod timers;
