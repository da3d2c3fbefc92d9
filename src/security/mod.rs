//! Who may speak: proofs of the secret, signed messages, and protection against replays.
//!
//! Everything here is pure: callers pass in time, random bytes and messages. It may use the types
//! and the messages of the protocol, but nothing of the membership machine, which in turn knows
//! nothing of it.
//!
//! | file | contents |
//! |---|---|
//! | [`keys`] | the keys derived from each secret |
//! | [`proof`] | challenges, and the proofs that answer them |
//! | [`message`] | signed requests and responses |
//! | [`receiver`], [`replay`] | which signed requests a server accepts |
//! | [`payload`] | the content of signed messages |
//! | [`sessions`], [`delivery`] | how a server addresses each peer, and what one message takes |
//! | [`answer`] | the answers to signed messages |

pub mod answer;
pub mod delivery;
mod encoding;
pub mod keys;
mod mac;
pub mod message;
pub mod payload;
pub mod process;
pub mod proof;
pub mod receiver;
pub mod replay;
pub mod sessions;

#[cfg(test)]
mod properties;
#[cfg(test)]
mod vectors;
