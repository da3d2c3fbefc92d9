//! What all of the protocol speaks of: names, time, statuses, claims, ids, limits.
//!
//! Imports nothing of the protocol but itself.

pub mod accusers;
pub mod base_url;
pub mod claim;
pub mod ids;
pub(in crate::protocol) mod limits;
pub(in crate::protocol) mod scalars;
pub mod status;
pub mod time;
pub(in crate::protocol) mod version;
