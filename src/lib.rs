//! Cluster membership for Node.js servers, as a Node-API addon.
//!
//! The layers of the crate; each knows only those below it:
//!
//! | layer | module | what it does |
//! |---|---|---|
//! | 2 | `binding` | translates between JavaScript and the driver; decides nothing |
//! | 1 | `driver` | lets the real world (clock, sockets, tasks) drive the protocol |
//! | 1 | [`sim`] | lets a simulated world (virtual time, seeded faults) drive the same protocol |
//! | 0 | [`security`] | who may speak: proofs of the secret, signed messages; as pure |
//! | 0 | [`protocol`] | the membership machine: pure, deterministic, without clock or sockets |
//!
//! Leaving out the cargo features `binding` and `driver` builds the layers below them alone.

#[cfg(feature = "binding")]
mod binding;
#[cfg(feature = "driver")]
pub mod driver;
pub mod protocol;
pub mod security;
pub mod sim;
