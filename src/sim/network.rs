//! The network of one region: short delays, and whatever a scenario has it do wrong.

use std::collections::BTreeSet;

use rand::rngs::Xoshiro256PlusPlus;
use rand::{RngExt, SeedableRng};

use super::clock::Millis;
use super::wire::HostId;

/// One way takes between 0.5 and 2 ms; time goes in whole milliseconds.
const SHORT: Millis = 1;
const LONG: Millis = 2;
/// The share of the ways that take rather 2 ms than 1 ms.
const LONG_SHARE: f64 = 1.0 / 3.0;
/// A copy of a request comes at most so much later.
const ECHO_WITHIN: Millis = 500;

/// The network.
#[derive(Debug)]
pub struct Network {
    /// The share of messages that get lost, requests and answers alike.
    pub loss: f64,
    /// The share of requests that arrive twice.
    pub duplication: f64,
    /// The share of requests that open a connection first.
    pub cold: f64,
    /// So much more each way may take.
    pub jitter: Millis,
    /// Messages from the first host to the second get lost.
    cuts: BTreeSet<(HostId, HostId)>,
    /// Messages between hosts of different groups get lost.
    groups: Vec<u8>,
    rng: Xoshiro256PlusPlus,
}

impl Network {
    /// A network in which nothing goes wrong.
    pub fn new(seed: u64) -> Self {
        Self {
            loss: 0.0,
            duplication: 0.0,
            cold: 0.5,
            jitter: 0,
            cuts: BTreeSet::new(),
            groups: Vec::new(),
            rng: Xoshiro256PlusPlus::seed_from_u64(seed),
        }
    }

    /// Cuts one direction.
    pub fn cut(&mut self, from: HostId, to: HostId) {
        self.cuts.insert((from, to));
    }

    /// Puts a host into a group; all begin in group 0.
    pub fn group(&mut self, host: HostId, group: u8) {
        if self.groups.len() <= host.index() {
            self.groups.resize(host.index() + 1, 0);
        }
        if let Some(slot) = self.groups.get_mut(host.index()) {
            *slot = group;
        }
    }

    /// Ends cuts and partitions.
    pub fn reconnect(&mut self) {
        self.cuts.clear();
        self.groups.clear();
    }

    /// Whether messages pass in this direction, chance apart.
    pub fn passes(&self, from: HostId, to: HostId) -> bool {
        let group = |host: HostId| self.groups.get(host.index()).copied().unwrap_or_default();
        group(from) == group(to) && (self.cuts.is_empty() || !self.cuts.contains(&(from, to)))
    }

    /// How long a request takes; none if it gets lost.
    pub fn carry_request(&mut self, from: HostId, to: HostId) -> Option<Millis> {
        if from == to {
            return self.carry(from, to);
        }
        if self.cold > 0.0 && self.rng.random::<f64>() < self.cold {
            // Opening a connection takes a way there and back, and needs both.
            if !self.passes(to, from) {
                return None;
            }
            let round_trip = self.way() + self.way();
            return self.carry(from, to).map(|way| way + round_trip);
        }
        self.carry(from, to)
    }

    /// How long a message takes; none if it gets lost.
    pub fn carry(&mut self, from: HostId, to: HostId) -> Option<Millis> {
        // What a host sends to itself does not pass the network.
        if from == to {
            return Some(SHORT);
        }
        if !self.passes(from, to) || (self.loss > 0.0 && self.rng.random::<f64>() < self.loss) {
            return None;
        }
        Some(self.way())
    }

    /// How much later a request arrives once more, if it does.
    pub fn echo(&mut self) -> Option<Millis> {
        (self.duplication > 0.0 && self.rng.random::<f64>() < self.duplication)
            .then(|| self.rng.random_range(0..ECHO_WITHIN))
    }

    fn way(&mut self) -> Millis {
        let way = if self.rng.random::<f64>() < LONG_SHARE { LONG } else { SHORT };
        if self.jitter == 0 { way } else { way + self.rng.random_range(0..=self.jitter) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const A: HostId = HostId(0);
    const B: HostId = HostId(1);

    #[test]
    fn a_cut_is_one_way_and_a_partition_is_not() {
        let mut network = Network::new(1);
        network.cut(A, B);
        assert!(!network.passes(A, B) && network.passes(B, A));
        network.reconnect();
        assert!(network.passes(A, B));
        network.group(B, 1);
        assert!(!network.passes(A, B) && !network.passes(B, A) && network.passes(B, B));
    }

    #[test]
    fn as_much_is_lost_as_is_wanted() {
        let mut network = Network::new(1);
        network.loss = 0.25;
        let lost = (0..10_000).filter(|_| network.carry(A, B).is_none()).count();
        assert!((2_300..2_700).contains(&lost), "{lost}");
    }
}
