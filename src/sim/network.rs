//! The network of one region: short delays, and the faults of a scenario.

use std::collections::BTreeSet;

use rand::rngs::Xoshiro256PlusPlus;
use rand::{RngExt, SeedableRng};

use super::clock::Millis;
use super::wire::HostId;

/// One-way delays, between 0.5 and 2 ms; time has whole milliseconds.
const MIN_DELAY: Millis = 1;
const MAX_DELAY: Millis = 2;
/// The share of delays closer to 2 ms than to 1 ms.
const MAX_DELAY_SHARE: f64 = 1.0 / 3.0;
/// The maximum delay of a duplicate.
const MAX_DUPLICATE_DELAY: Millis = 500;

/// The network.
#[derive(Debug)]
pub struct Network {
    /// The share of messages that are lost, requests and responses alike.
    pub loss: f64,
    /// The share of requests that are duplicated.
    pub duplication: f64,
    /// The share of requests that open a connection first.
    pub new_connection_share: f64,
    /// The maximum additional one-way delay.
    pub jitter: Millis,
    /// Messages from the first host to the second are lost.
    cuts: BTreeSet<(HostId, HostId)>,
    /// Messages between hosts of different groups are lost.
    groups: Vec<u8>,
    rng: Xoshiro256PlusPlus,
}

impl Network {
    /// Returns a network without faults.
    pub fn new(seed: u64) -> Self {
        Self {
            loss: 0.0,
            duplication: 0.0,
            new_connection_share: 0.5,
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

    /// Puts a host into a group; all start in group 0.
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

    /// Whether messages can pass in this direction, except for random loss.
    pub fn passes(&self, from: HostId, to: HostId) -> bool {
        let group = |host: HostId| self.groups.get(host.index()).copied().unwrap_or_default();
        group(from) == group(to) && (self.cuts.is_empty() || !self.cuts.contains(&(from, to)))
    }

    /// Returns the delay of a request; `None` if it is lost.
    pub fn carry_request(&mut self, from: HostId, to: HostId) -> Option<Millis> {
        if from == to {
            return self.carry(from, to);
        }
        if self.new_connection_share > 0.0 && self.rng.random::<f64>() < self.new_connection_share {
            // Opening a connection needs both directions and takes a round trip.
            if !self.passes(to, from) {
                return None;
            }
            let round_trip = self.one_way_delay() + self.one_way_delay();
            return self.carry(from, to).map(|one_way_delay| one_way_delay + round_trip);
        }
        self.carry(from, to)
    }

    /// Returns the one-way delay of a message; `None` if it is lost.
    pub fn carry(&mut self, from: HostId, to: HostId) -> Option<Millis> {
        // Messages of a host to itself do not use the network.
        if from == to {
            return Some(MIN_DELAY);
        }
        if !self.passes(from, to) || (self.loss > 0.0 && self.rng.random::<f64>() < self.loss) {
            return None;
        }
        Some(self.one_way_delay())
    }

    /// Returns the delay of a request's duplicate, if there is one.
    pub fn duplicate_delay(&mut self) -> Option<Millis> {
        (self.duplication > 0.0 && self.rng.random::<f64>() < self.duplication)
            .then(|| self.rng.random_range(0..MAX_DUPLICATE_DELAY))
    }

    fn one_way_delay(&mut self) -> Millis {
        let one_way_delay = if self.rng.random::<f64>() < MAX_DELAY_SHARE { MAX_DELAY } else { MIN_DELAY };
        if self.jitter == 0 { one_way_delay } else { one_way_delay + self.rng.random_range(0..=self.jitter) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const A: HostId = HostId(0);
    const B: HostId = HostId(1);

    #[test]
    fn a_cut_is_one_way_and_a_partition_is_symmetric() {
        let mut network = Network::new(1);
        network.cut(A, B);
        assert!(!network.passes(A, B) && network.passes(B, A));
        network.reconnect();
        assert!(network.passes(A, B));
        network.group(B, 1);
        assert!(!network.passes(A, B) && !network.passes(B, A) && network.passes(B, B));
    }

    #[test]
    fn the_configured_share_is_lost() {
        let mut network = Network::new(1);
        network.loss = 0.25;
        let lost = (0..10_000).filter(|_| network.carry(A, B).is_none()).count();
        assert!((2_300..2_700).contains(&lost), "{lost}");
    }
}
