//! Floor 0: the membership machine, pure and deterministic.
//!
//! No clock, no sockets, no dice, no hash order: time and a seed are passed in, requests and events come out. What is here is
//! the protocol; the same code runs in production and in tests over made-up worlds. `docs/protocol.md` has the rules (R1 …)
//! that the modules name.
//!
//! | concept | module |
//! |---|---|
//! | the door: `handle_*`, `poll_*`, `lists` | [`machine`] |
//! | names, time, secrets, configuration | [`base_url`], `plain_url`, [`time`], [`secret`], [`config`] |
//! | what is said over the wire | [`message`], [`request`], `heard`, `fields`, `scalars`, `page` |
//! | what is let in, and how it changes what is known | [`intake`]; from legacy peers `merge`, from native servers `hearsay`, `version` |
//! | what is known: of oneself, of others, of the forgotten; how it is shown | `myself`, `own_url`, [`member`], `roster`, `draws`, `digest`, `graves`, `retention`; `shown`, [`places`] |
//! | clocks that are wrong | `clocks`, `stamp_clock` |
//! | what is found out about legacy peers | `case`, `inquest`, `verification`, `expiry`, `absence`, `reconnect` |
//! | what is found out about native servers | `probes`, `questions`, `errands`, `unreached`, `voices`, `neighbour`, `turn`, `suspicion`, [`accusers`], `health`, `losses`; `strangers` |
//! | what proves a server alive, and what does not; servers of another cluster | `proof`, `refusals`; `outsiders` |
//! | what native servers say to each other | [`extension`], [`claim`], `native`, `rumours`, `sync` |
//! | what legacy peers are told | `phase`, `rounds`, `push`, `allowance`, `legacy_news` |
//! | the master list | [`master_list`], [`document`], `listings` |
//! | what the machine wants done and tells | [`output`], `flights`, `timers`, `deadlines`; `log`, `journal`, `printable` |
//! | how much of it there may be | [`queues`], `parsing` |

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

pub use context::config;
pub use context::output;
pub use lifecycle::master_list;
pub use machine::places;
pub use machine::queues;
pub use members::member;
pub use merging::intake;
pub use types::accusers;
pub use types::base_url;
pub use types::base_url::address;
pub use types::claim;
pub use types::ids;
pub use types::ids::ExchangeId;
pub use types::secret;
pub use types::status;
pub use types::time;
pub use wire::document;
pub use wire::extension;
pub use wire::message;
pub use wire::request;

/// What the simulator's reduced model goes by.
pub(crate) mod constants {
    pub(crate) use super::lifecycle::phase::MANY;
    pub(crate) use super::native::detection::health::SHORTEST_PROBE_TIMEOUT;
    pub(crate) use super::native::detection::questions::{HELPERS, HELPERS_WAIT, KNOCK_AGAIN};
    pub(crate) use super::native::rumours::{COALESCED, FANOUT, IDLE_ROUNDS, PAUSE, rounds_for};
    pub(crate) use super::native::sync::NEWS_NEED;
}
