//! The machine's methods for each component: loops over subjects, and calls between components.

mod claims;
mod detection;
mod gossip;
mod lifecycle;
mod verification;
