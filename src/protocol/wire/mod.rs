//! The wire format: messages and master lists, and how they are parsed and serialised.
//!
//! May touch `types` only.

pub mod document;
pub mod envelope;
pub mod extension;
pub(in crate::protocol) mod json_fields;
pub mod lists;
pub mod message;
pub(in crate::protocol) mod received;
pub mod request;
