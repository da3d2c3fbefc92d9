//! The ring of all native servers, on which each watches its successors.
//!
//! Positions on the ring are hashes of URLs, so all servers agree on them without messages. With
//! random probes alone, one dead server in a hundred would stay unnoticed for five seconds. Its two
//! predecessors on the ring notice it with their third probe at the latest. Orleans (Bykov et al.
//! 2014) and Rapid (Suresh et al. 2018) use such rings.

use std::sync::Arc;

/// Successors that a server watches. A predecessor that is cut off itself does no harm with two of
/// them; with three, each would be met too rarely to keep its connection.
pub(crate) const SUCCESSORS: usize = 2;

/// The neighbours of this server, updated as other servers are added and removed.
#[derive(Debug, Clone, Default)]
pub(in crate::protocol) struct Ring {
    position: u64,
    /// The nearest successors, each with its distance.
    successors: Vec<(u64, Arc<str>)>,
    /// The predecessor, which is the farthest successor.
    predecessor: Option<(u64, Arc<str>)>,
    /// Set when a neighbour was removed: finding the next one takes a search of all members.
    is_stale: bool,
}

impl Ring {
    /// The ring as seen from this position; its neighbours are not known yet.
    pub(in crate::protocol) fn at(position: u64) -> Self {
        Self { position, is_stale: true, ..Self::default() }
    }

    /// Follows a change of a server at this position: whether it was on the ring, and is.
    #[inline]
    pub(in crate::protocol) fn follow(&mut self, change: [bool; 2], position: u64, identity: &str) {
        match change {
            [false, true] => self.insert(position, identity),
            [true, false] => self.remove(identity),
            _ => {}
        }
    }

    /// Adds a native server at this position.
    pub(in crate::protocol) fn insert(&mut self, position: u64, identity: &str) {
        if self.is_stale {
            return;
        }
        let distance = position.wrapping_sub(self.position);
        if self.predecessor.as_ref().is_none_or(|(farthest, _)| *farthest < distance) {
            self.predecessor = Some((distance, identity.into()));
        }
        let rank = self.successors.partition_point(|(nearer, _)| *nearer < distance);
        if rank < SUCCESSORS {
            self.successors.truncate(SUCCESSORS - 1);
            self.successors.insert(rank, (distance, identity.into()));
        }
    }

    /// Removes a native server.
    pub(in crate::protocol) fn remove(&mut self, identity: &str) {
        let mut neighbours = self.successors.iter().chain(&self.predecessor);
        self.is_stale |= neighbours.any(|(_, neighbour)| &**neighbour == identity);
    }

    /// Searches these servers for the neighbours, if they are not known.
    pub(in crate::protocol) fn update<'a>(&mut self, natives: impl Iterator<Item = (u64, &'a str)>) {
        if self.is_stale {
            *self = Self { position: self.position, ..Self::default() };
            natives.for_each(|(position, identity)| self.insert(position, identity));
        }
    }

    /// Returns the successors, nearest first.
    pub(in crate::protocol) fn successors(&self) -> impl ExactSizeIterator<Item = &Arc<str>> {
        self.successors.iter().map(|(_, identity)| identity)
    }

    /// Whether this is the predecessor, as far as it is known.
    pub(in crate::protocol) fn is_predecessor(&self, identity: &str) -> bool {
        self.predecessor.as_ref().is_some_and(|(_, predecessor)| &**predecessor == identity)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A ring seen from position 50, and the servers on it.
    struct Seen {
        ring: Ring,
        present: Vec<(u64, Arc<str>)>,
    }

    impl Seen {
        fn neighbours(&mut self) -> (Vec<u64>, Option<u64>) {
            self.ring.update(self.present.iter().map(|(position, identity)| (*position, &**identity)));
            let number = |identity: &Arc<str>| identity.parse().unwrap();
            let mut present = self.present.iter().map(|(_, identity)| identity);
            let predecessor = present.find(|identity| self.ring.is_predecessor(identity));
            (self.ring.successors().map(number).collect(), predecessor.map(number))
        }

        fn after_adding(&mut self, position: u64) -> (Vec<u64>, Option<u64>) {
            let identity: Arc<str> = Arc::from(position.to_string());
            self.ring.insert(position, &identity);
            self.present.push((position, identity));
            self.neighbours()
        }

        fn after_removing(&mut self, position: u64) -> (Vec<u64>, Option<u64>) {
            self.present.retain(|(there, _)| *there != position);
            self.ring.remove(&position.to_string());
            self.neighbours()
        }
    }

    #[test]
    fn the_neighbours_follow_additions_and_removals() {
        let mut seen = Seen { ring: Ring::at(50), present: Vec::new() };
        assert_eq!(seen.neighbours(), (vec![], None));
        assert_eq!(seen.after_adding(40), (vec![40], Some(40)));
        assert_eq!(seen.after_adding(90), (vec![90, 40], Some(40)));
        assert_eq!(seen.after_adding(60), (vec![60, 90], Some(40)));
        assert_eq!(seen.after_adding(70), (vec![60, 70], Some(40)));
        assert_eq!(seen.after_adding(45), (vec![60, 70], Some(45)));
        assert_eq!(seen.after_removing(70), (vec![60, 90], Some(45)));
        assert_eq!(seen.after_removing(60), (vec![90, 40], Some(45)));
        assert_eq!(seen.after_removing(45), (vec![90, 40], Some(40)));
        assert_eq!(seen.after_removing(40), (vec![90], Some(90)));
    }
}
