//! Floor 1: a made-up world that drives the protocol: seeded, in virtual time, without sockets.
//!
//! The machine that runs in production runs here by the thousand, beside peers of the original package, over a network that loses,
//! delays, doubles and cuts, on hosts that crash, vanish and stall. After every step the invariants of `docs/protocol.md` are checked.
//!
//! | concept | module |
//! |---|---|
//! | the door: time passes, things are done, views are looked at | [`world`], [`setup`], `actions` |
//! | time, and what is still to happen | [`clock`], [`queue`] |
//! | what runs where | [`host`], [`process`], [`processor`], [`legacy`], `legacy_lists`, [`view`] |
//! | what travels, and how | [`wire`], [`network`], `delivery`, [`store`], `storage` |
//! | what must hold, and what has happened | [`checks`], [`trace`], [`golden`] |
//! | what goes wrong by chance | [`faults`] |
//! | how fast news spread | [`watch`], [`scenarios`], [`report`]; among a hundred thousand [`reduced`] |

mod actions;
pub mod checks;
pub mod clock;
mod delivery;
pub mod faults;
pub mod golden;
pub mod host;
pub mod legacy;
mod legacy_lists;
pub mod network;
pub mod process;
pub mod processor;
pub mod queue;
pub mod reduced;
pub mod report;
pub mod scenarios;
pub mod setup;
pub mod spec;
mod storage;
pub mod store;
pub mod trace;
pub mod view;
pub mod watch;
pub mod wire;
pub mod world;

#[cfg(test)]
mod tests;
