//! Layer 0: the membership machine, pure and deterministic.
//!
//! No clock, no sockets, no dice, no hash order: time and a seed are passed in, requests and events
//! come out. What is here is the protocol; the same code runs in production and in tests over
//! made-up worlds. `docs/protocol.md` has the rules (R1 …) that the modules name.
//!
//! Each folder may import only from folders below it. Those on one row never import each other.
//!
//! | folder | what it holds |
//! |---|---|
//! | [`machine`] | the door: `handle_*`, `poll_*`, `lists`; queues and their caps; how the roster is shown and copied |
//! | `native`, `legacy`, `lifecycle` | how native servers are met; how legacy peers are; start, leave and the master list |
//! | `merging` | what is let in of what others say, and how it changes what is known |
//! | `exchanges` | which requests are under way, and what goes into them |
//! | `members` | what is known: of this server, of the others, of the forgotten |
//! | `context` | what every component needs: configuration, randomness, timers, output, the log |
//! | `wire` | what servers and master lists say, and how it is read and written |
//! | `types` | names, times, statuses, claims, ids, limits |

mod context;
mod exchanges;
mod legacy;
mod lifecycle;
pub mod machine;
mod members;
mod merging;
mod native;
mod types;
mod wire;

#[cfg(test)]
mod tests;

pub use context::{config, output};
pub use machine::{queues, roster_slots};
pub use types::base_url::address;
pub use types::ids::ExchangeId;
pub use types::{accusers, base_url, claim, ids, secret, status, time};
pub use wire::{document, extension, message, request};

/// What the simulator's reduced model goes by.
pub(crate) mod constants {
    pub(crate) use super::exchanges::local_health::SHORTEST_PROBE_TIMEOUT;
    pub(crate) use super::exchanges::rumours::{FANOUT, IDLE_ROUNDS, PAUSE, RUMOUR_DELAY, rounds_for};
    pub(crate) use super::members::roster::draws::MANY;
    pub(crate) use super::native::anti_entropy::NEWS_NEED;
    pub(crate) use super::native::detection::helpers::{HELPERS, HELPERS_WAIT};
    pub(crate) use super::native::detection::investigation::KNOCK_AGAIN;
}
