//! A host: one URL, its port, and the processes that share it.

use std::sync::Arc;

use super::clock::Millis;
use super::spec::Kind;
use super::wire::{Outcome, ProcessId};
use crate::protocol::message::Refusal;

/// The body limit of Express's parsers, in bytes.
pub const BODY_LIMIT: usize = 100_000;

/// The state of a host's port.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Port {
    /// A process listens.
    Open,
    /// No process listens: connections are refused.
    Closed,
    /// The host is gone: requests time out.
    Vanished,
}

/// The response of another service at the address of a server that has ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Occupant {
    /// It rejects every request.
    Refuses(Refusal),
    /// It answers with an empty list.
    EmptyList,
}

impl Occupant {
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
    /// Its base URL, shared by all that know it.
    pub url: Arc<str>,
    /// The state of its port.
    pub port: Port,
    /// Whether others should list it as online.
    pub should_be_online: bool,
    /// When a process was last started on it.
    pub started_at: Millis,
    /// The kind of server last started on it.
    pub kind: Kind,
    /// When its processes start to listen.
    pub listens_at: Millis,
    /// The processes behind it, which take requests in turn.
    pub processes: Vec<ProcessId>,
    next_process_index: usize,
    /// The time to produce a response.
    pub service: Millis,
    /// Whether a proxy in front of it removes `v2`, in both directions.
    pub strips_v2: bool,
    /// Whether its responses are lost.
    pub loses_responses: bool,
    /// The largest accepted body in bytes; larger ones are answered with 413.
    pub body_limit: usize,
    /// The service that has taken over its address.
    pub occupant: Option<Occupant>,
    /// The cluster that it belongs to. Clusters have different secrets.
    pub cluster: u8,
    pub(super) load: Load,
}

impl Host {
    pub(super) fn new(url: Arc<str>) -> Self {
        Self {
            url,
            port: Port::Closed,
            should_be_online: false,
            started_at: 0,
            kind: Kind::Native,
            listens_at: 0,
            processes: Vec::new(),
            next_process_index: 0,
            service: 0,
            strips_v2: false,
            loses_responses: false,
            body_limit: BODY_LIMIT,
            occupant: None,
            cluster: 0,
            load: Load::default(),
        }
    }

    /// Whether a process listens.
    pub fn listens(&self, now: Millis) -> bool {
        self.port == Port::Open && now >= self.listens_at
    }

    /// The number of requests received so far.
    pub fn received(&self) -> u64 {
        self.load.total
    }

    /// Returns the process that takes the next request.
    pub(super) fn next_process(&mut self) -> Option<ProcessId> {
        self.next_process_index = self.next_process_index.wrapping_add(1);
        self.processes.get(self.next_process_index % self.processes.len().max(1)).copied()
    }
}

/// Seconds over which the request rate is averaged.
const WINDOW: usize = 10;

/// The requests that a host received in the last seconds.
#[derive(Debug, Default)]
pub(super) struct Load {
    counts: [u32; WINDOW],
    second: u64,
    sum: u32,
    /// The number of all requests so far.
    total: u64,
}

impl Load {
    /// Counts a request, and returns the rate of requests per second.
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
    fn a_burst_has_a_high_rate_and_rare_requests_a_low_one() {
        let mut load = Load::default();
        let trickle = (0..10_000).filter(|step| load.receive(step * 50) > 30.0).count();
        assert_eq!(trickle, 0);
        let storm = (0..10_000).filter(|step| load.receive(600_000 + step) > 30.0).count();
        assert!(storm > 9_000, "{storm}");
        assert!(load.receive(900_000) <= 30.0);
    }
}
