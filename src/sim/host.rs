//! What is behind one URL: a host, its port, and the processes that share it.

use std::sync::Arc;

use super::clock::Millis;
use super::spec::Kind;
use super::wire::{Outcome, ProcessId};
use crate::protocol::message::Refusal;

/// The body parsers of Express refuse more.
pub const BODY_LIMIT: usize = 100_000;

/// Whether requests reach somebody.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Port {
    /// Somebody listens.
    Open,
    /// Nobody listens: the connection is refused.
    Closed,
    /// The host is gone: nothing comes back.
    Vanished,
}

/// What another service answers to everything, at the address of a server that has ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Squatter {
    /// With a refusal.
    Refuses(Refusal),
    /// With an empty list.
    EmptyList,
}

impl Squatter {
    pub(super) fn outcome(self) -> Outcome {
        match self {
            Self::Refuses(refusal) => Outcome::Refused(refusal),
            Self::EmptyList => Outcome::Lists(Arc::default()),
        }
    }
}

/// A host.
#[derive(Debug)]
pub struct Host {
    /// Its base URL, the same text for all who know it.
    pub url: Arc<str>,
    /// Whether requests reach somebody.
    pub port: Port,
    /// Whether others are to hold it for online.
    pub is_to_be_online: bool,
    /// When something was last started on it.
    pub started_at: Millis,
    /// What was last started on it.
    pub kind: Kind,
    /// Nobody listens before.
    pub listens_at: Millis,
    /// The processes behind it, which take requests in turn.
    pub processes: Vec<ProcessId>,
    turn: usize,
    /// How long an answer takes to be made.
    pub service: Millis,
    /// A proxy before it lets no `v2` pass, in either direction.
    pub strips_v2: bool,
    /// Its answers get lost.
    pub is_mute: bool,
    /// Larger bodies are answered 413.
    pub body_limit: usize,
    /// Another service that has taken over its address.
    pub squatter: Option<Squatter>,
    /// Servers of different clusters have different secrets.
    pub cluster: u8,
    pub(super) load: Load,
}

impl Host {
    pub(super) fn new(url: Arc<str>) -> Self {
        Self {
            url,
            port: Port::Closed,
            is_to_be_online: false,
            started_at: 0,
            kind: Kind::Native,
            listens_at: 0,
            processes: Vec::new(),
            turn: 0,
            service: 0,
            strips_v2: false,
            is_mute: false,
            body_limit: BODY_LIMIT,
            squatter: None,
            cluster: 0,
            load: Load::default(),
        }
    }

    /// Whether somebody listens.
    pub fn listens(&self, now: Millis) -> bool {
        self.port == Port::Open && now >= self.listens_at
    }

    /// How many requests it was ever sent.
    pub fn received(&self) -> u64 {
        self.load.total
    }

    /// Which process takes the next request.
    pub(super) fn next_process(&mut self) -> Option<ProcessId> {
        self.turn = self.turn.wrapping_add(1);
        self.processes.get(self.turn % self.processes.len().max(1)).copied()
    }
}

/// Seconds over which the rate of requests is averaged.
const WINDOW: usize = 10;

/// The requests that a host was sent in the last seconds.
#[derive(Debug, Default)]
pub(super) struct Load {
    counts: [u32; WINDOW],
    second: u64,
    sum: u32,
    /// How many it was ever sent.
    total: u64,
}

impl Load {
    /// Counts a request, and returns the rate of requests a second.
    pub(super) fn receive(&mut self, now: Millis) -> f64 {
        let second = now / 1_000;
        for passed in (self.second + 1..=second).take(WINDOW) {
            let slot = &mut self.counts[passed as usize % WINDOW];
            self.sum -= std::mem::take(slot);
        }
        self.second = second;
        self.counts[second as usize % WINDOW] += 1;
        self.sum += 1;
        self.total += 1;
        f64::from(self.sum) / WINDOW as f64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_storm_has_a_high_rate_and_a_trickle_a_low_one() {
        let mut load = Load::default();
        let trickle = (0..10_000).filter(|step| load.receive(step * 50) > 30.0).count();
        assert_eq!(trickle, 0);
        let storm = (0..10_000).filter(|step| load.receive(600_000 + step) > 30.0).count();
        assert!(storm > 9_000, "{storm}");
        assert!(load.receive(900_000) <= 30.0);
    }
}
