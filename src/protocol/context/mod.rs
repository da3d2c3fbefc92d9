//! What every component needs and none owns: configuration, timers, output, the log.
//!
//! May touch `wire` and below.

pub(in crate::protocol) mod allowance;
pub mod config;
pub(in crate::protocol) mod deadlines;
pub(in crate::protocol) mod log;
pub mod output;
pub(in crate::protocol) mod parsing;
pub(in crate::protocol) mod printable;
pub mod secret;
pub(in crate::protocol) mod timers;
