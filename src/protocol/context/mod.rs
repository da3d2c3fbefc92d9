//! What every component needs: configuration, randomness, timers, output, the log.
//!
//! May touch `wire` and below.

use std::collections::VecDeque;
use std::time::Duration;

use rand::rngs::Xoshiro256PlusPlus;
use rand::{RngExt, SeedableRng};

use crate::protocol::context::config::Config;
use crate::protocol::context::effect::Effects;
use crate::protocol::context::log::LogThrottle;
use crate::protocol::context::output::{Events, Transmit};
use crate::protocol::context::parsing::Parsing;
use crate::protocol::context::refused::RefusedClaims;
use crate::protocol::context::timers::Timers;

pub mod config;
pub(in crate::protocol) mod deadlines;
pub(in crate::protocol) mod effect;
pub(in crate::protocol) mod log;
pub mod output;
pub(in crate::protocol) mod parsing;
pub(in crate::protocol) mod rate_limit;
pub(in crate::protocol) mod refused;
pub(in crate::protocol) mod timers;

/// The state of a server between its start and its leave.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::protocol) enum RunState {
    /// Its start has not resolved yet.
    Starting,
    /// Its start has resolved.
    Running,
    /// Its leave has begun.
    Leaving,
    /// Its leave has resolved.
    Gone,
}

/// Owned by the machine and passed to every component.
#[derive(Debug)]
pub(in crate::protocol) struct Context {
    pub(in crate::protocol) config: Config,
    /// The source of all randomness.
    pub(in crate::protocol) rng: Xoshiro256PlusPlus,
    pub(in crate::protocol) timers: Timers,
    pub(in crate::protocol) transmits: VecDeque<Transmit>,
    pub(in crate::protocol) events: Events,
    pub(in crate::protocol) log: LogThrottle,
    pub(in crate::protocol) parsing: Parsing,
    pub(in crate::protocol) refused: RefusedClaims,
    pub(in crate::protocol) run_state: RunState,
    /// Requests of rules to other components.
    pub(in crate::protocol) effects: Effects,
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
            refused: RefusedClaims::default(),
            run_state: RunState::Starting,
            effects: Effects::default(),
        }
    }

    /// Whether this server uses the native extension.
    pub(in crate::protocol) fn is_native(&self) -> bool {
        self.config.probe_interval.is_some()
    }

    /// Whether the start has resolved and no leave has begun.
    pub(in crate::protocol) fn is_running(&self) -> bool {
        self.run_state == RunState::Running
    }

    /// Returns a delay changed by up to ± 10 %, so that servers do not synchronise.
    pub(in crate::protocol) fn jittered(&mut self, delay: Duration) -> Duration {
        delay.mul_f64(self.rng.random_range(0.9..1.1))
    }
}
