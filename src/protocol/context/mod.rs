//! What every component needs and none owns: configuration, randomness, timers, output, the log.
//!
//! May touch `wire` and below.

use std::collections::VecDeque;

use rand::SeedableRng;
use rand::rngs::Xoshiro256PlusPlus;

use crate::protocol::context::config::Config;
use crate::protocol::context::log::LogThrottle;
use crate::protocol::context::output::{Events, Transmit};
use crate::protocol::context::parsing::Parsing;
use crate::protocol::context::timers::Timers;

pub mod config;
pub(in crate::protocol) mod deadlines;
pub(in crate::protocol) mod log;
pub mod output;
pub(in crate::protocol) mod parsing;
pub(in crate::protocol) mod rate_limit;
pub(in crate::protocol) mod timers;

/// Passed to every component; the machine owns it.
#[derive(Debug)]
pub(in crate::protocol) struct Context {
    pub(in crate::protocol) config: Config,
    /// Makes every choice that is left to chance.
    pub(in crate::protocol) rng: Xoshiro256PlusPlus,
    pub(in crate::protocol) timers: Timers,
    pub(in crate::protocol) transmits: VecDeque<Transmit>,
    pub(in crate::protocol) events: Events,
    pub(in crate::protocol) log: LogThrottle,
    pub(in crate::protocol) parsing: Parsing,
}

impl Context {
    pub(in crate::protocol) fn new(config: Config, seed: u64) -> Self {
        Self {
            config,
            rng: Xoshiro256PlusPlus::seed_from_u64(seed),
            timers: Timers::default(),
            transmits: VecDeque::new(),
            events: Events::default(),
            log: LogThrottle::default(),
            parsing: Parsing::default(),
        }
    }
}
