//! The membership machine: the protocol as pure, deterministic code.
//!
//! It has no clock, no sockets, no randomness of its own and no dependence on hash order. Callers
//! pass in time and a seed; requests and events come out. The same code runs in production and in
//! simulations. `docs/protocol.md` has the rules (R1 …) that the modules name.
//!
//! Each folder may import only from folders below it. `native`, `legacy` and `lifecycle` never
//! import each other.
//!
//! | folder | contents |
//! |---|---|
//! | [`machine`] | the interface: `handle_*`, `poll_*`, `lists`; queues and caps; roster slots |
//! | `native` | gossip and failure detection among native servers |
//! | `legacy` | gossip with legacy peers, and their verification |
//! | `lifecycle` | start, leave, the server's own URL and the master list |
//! | `merging` | the admission of claims, and their effect on the known members |
//! | `exchanges` | the requests in flight, and their content |
//! | [`owners`] | which online server owns a key |
//! | `members` | this server, the other members, the archived ones |
//! | `context` | shared by all: configuration, randomness, timers, output, the log |
//! | `wire` | the messages and the master list, and how they are read and written |
//! | `types` | names, times, statuses, claims, ids, limits |

mod context;
mod exchanges;
mod legacy;
mod lifecycle;
pub mod machine;
mod members;
mod merging;
mod native;
pub mod owners;
mod types;
mod wire;

#[cfg(test)]
mod tests;

pub use context::{config, output};
pub use machine::{metrics, news, queues, roster_slots};
pub use types::base_url::address;
pub use types::ids::ExchangeId;
pub use types::text::shared::SharedText;
pub use types::{accusers, allow, base_url, claim, ids, secret, status, time};
pub use wire::{document, envelope, extension, lists, message, request};

/// The constants that the simulator's reduced model shares.
pub(crate) mod constants {
    pub(crate) use super::exchanges::local_health::SHORTEST_PROBE_TIMEOUT;
    pub(crate) use super::exchanges::rumours::{
        FANOUT, IDLE_ROUNDS, RUMOUR_DELAY, RUMOUR_INTERVAL, rounds_for,
    };
    pub(crate) use super::members::roster::draws::WIDE_FANOUT;
    pub(crate) use super::members::roster::ring::SUCCESSORS;
    pub(crate) use super::native::anti_entropy::SYNC_DELAY;
    pub(crate) use super::native::detection::helpers::{HELPERS, HELPERS_WAIT};
    pub(crate) use super::native::detection::investigation::SECOND_PROBE_DELAY;
    pub(crate) use super::native::detection::probe_order::cycle::{EARLIEST_BEGIN, LENGTH as CYCLE_LENGTH};
}
