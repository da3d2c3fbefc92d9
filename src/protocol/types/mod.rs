//! The basic types of the protocol: names, time, statuses, claims, ids, secrets, limits.
//!
//! Imports nothing else of the protocol.

pub mod accusers;
pub mod allow;
pub mod base_url;
pub(in crate::protocol) mod blocks;
pub mod claim;
pub mod ids;
pub(in crate::protocol) mod limits;
pub mod secret;
pub mod status;
pub(in crate::protocol) mod text;
pub mod time;
pub(in crate::protocol) mod version;
