//! What servers and master lists say to each other, and how it is read and written.
//!
//! May touch `types` only.

pub mod document;
pub mod extension;
pub(in crate::protocol) mod json_fields;
pub mod message;
pub(in crate::protocol) mod received;
pub mod request;
