//! What all of the protocol speaks of: names, time, statuses, claims, ids, limits.
//!
//! Imports nothing of the protocol but itself.

pub mod accusers;
pub mod base_url;
pub mod claim;
pub mod ids;
pub(in crate::protocol) mod limits;
pub mod secret;
pub mod status;
pub(in crate::protocol) mod text;
pub mod time;
pub(in crate::protocol) mod version;
