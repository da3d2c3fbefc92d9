//! What is let in of what others say, and how it changes what is known.
//!
//! May touch `exchanges` and below.

pub(in crate::protocol) mod clocks;
pub(in crate::protocol) mod intake;
pub(in crate::protocol) mod native;
pub(in crate::protocol) mod outsiders;
pub(in crate::protocol) mod plain;
