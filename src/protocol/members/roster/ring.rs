//! The ring of all native servers, on which each watches its successor.
//!
//! Positions on the ring are hashes of URLs, so all servers agree on them without messages. With
//! random probes alone, one dead server in a hundred would stay unnoticed for five seconds. Its
//! predecessor on the ring notices it with the second probe at the latest. Orleans (Bykov et al.
//! 2014) and Rapid (Suresh et al. 2018) use such rings.

use std::sync::Arc;

/// The successor of this server, updated as other servers are added and removed.
#[derive(Debug, Clone, Default)]
pub(in crate::protocol) struct Ring {
    position: u64,
    /// Its distance and identity.
    nearest: Option<(u64, Arc<str>)>,
    /// Set when the successor was removed: finding the next one takes a search of all members.
    is_stale: bool,
}

impl Ring {
    /// The ring as seen from this position; its successor is not known yet.
    pub(in crate::protocol) fn at(position: u64) -> Self {
        Self { position, nearest: None, is_stale: true }
    }

    /// Adds a native server at this position.
    pub(in crate::protocol) fn insert(&mut self, position: u64, identity: &Arc<str>) {
        if self.is_stale {
            return;
        }
        let distance = position.wrapping_sub(self.position);
        if self.nearest.as_ref().is_none_or(|(nearest, _)| distance < *nearest) {
            self.nearest = Some((distance, Arc::clone(identity)));
        }
    }

    /// Removes a native server.
    pub(in crate::protocol) fn remove(&mut self, identity: &str) {
        self.is_stale |= self.nearest.as_ref().is_some_and(|(_, nearest)| &**nearest == identity);
    }

    /// Returns the successor; searches these servers if it is not known.
    pub(in crate::protocol) fn find_successor<'a>(
        &mut self,
        natives: impl Iterator<Item = (u64, &'a Arc<str>)>,
    ) -> Option<&Arc<str>> {
        if self.is_stale {
            *self = Self { position: self.position, nearest: None, is_stale: false };
            natives.for_each(|(position, identity)| self.insert(position, identity));
        }
        self.nearest.as_ref().map(|(_, identity)| identity)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_successor_follows_additions_and_removals() {
        let name = |position: u64| -> Arc<str> { Arc::from(format!("{position}")) };
        let mut present: Vec<(u64, Arc<str>)> = Vec::new();
        let mut ring = Ring::at(50);
        let mut next = |present: &[(u64, Arc<str>)], change: &mut dyn FnMut(&mut Ring)| {
            change(&mut ring);
            ring.find_successor(present.iter().map(|(position, identity)| (*position, identity)))
                .map(|next| next.to_string())
        };
        assert_eq!(next(&present, &mut |_| {}), None);
        for (position, expected) in [(40, "40"), (90, "90"), (60, "60"), (70, "60")] {
            present.push((position, name(position)));
            assert_eq!(
                next(&present, &mut |ring| ring.insert(position, &name(position))).as_deref(),
                Some(expected)
            );
        }
        for (position, expected) in [(70, "60"), (60, "90"), (90, "40")] {
            present.retain(|(there, _)| *there != position);
            assert_eq!(next(&present, &mut |ring| ring.remove(&name(position))).as_deref(), Some(expected));
        }
    }
}
