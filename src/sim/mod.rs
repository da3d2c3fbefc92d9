//! Layer 1: a simulated world that drives the protocol with a seed, in virtual time, without
//! sockets.
//!
//! Thousands of production machines run here, beside peers of version 1. The network loses, delays,
//! duplicates and cuts messages; hosts crash, vanish and stall. The invariants of
//! `docs/protocol.md` are checked after every step.
//!
//! | concept | module |
//! |---|---|
//! | the interface: running time, actions, views | [`world`], [`setup`], `actions` |
//! | time and pending events | [`clock`], [`queue`], `event` |
//! | several threads | `ahead`, `look_ahead` |
//! | hosts, processes and servers | [`host`], [`process`], [`processor`], [`legacy`],
//! `legacy_lists`, [`names`], [`view`] |
//! | messages and their delivery | [`wire`], [`network`], `delivery`, [`store`], `storage` |
//! | real requests, signatures, and an attacker | [`http`], [`secured`], `secured_world` |
//! | invariants and records | [`checks`], [`trace`], [`golden`] |
//! | random faults | [`faults`] |
//! | how fast news spreads | [`watch`], [`scenarios`], [`report`]; among a hundred thousand servers
//! [`reduced`] |

mod actions;
mod ahead;
pub mod checks;
pub mod clock;
mod delivery;
mod event;
pub mod faults;
pub mod golden;
pub mod host;
pub mod http;
pub mod legacy;
mod legacy_lists;
mod look_ahead;
pub mod names;
pub mod network;
pub mod process;
pub mod processor;
pub mod queue;
mod reader;
pub mod reduced;
pub mod report;
pub mod scenarios;
pub mod secured;
mod secured_world;
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
