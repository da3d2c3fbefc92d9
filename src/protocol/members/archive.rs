//! The versions of tombstones that have left the lists, so that old claims cannot revive their
//! servers.

use std::collections::VecDeque;
use std::hash::BuildHasher;

use foldhash::fast::FixedState;
use hashbrown::HashTable;

use crate::protocol::types::claim::Claim;
use crate::protocol::types::limits::TOMBSTONE_LIFETIME;
use crate::protocol::types::status::Status;
use crate::protocol::types::time::{Incarnation, Now, Stamp};

/// Tombstones archived. A further one evicts the oldest.
pub(in crate::protocol) const MAX_ARCHIVED: usize = 4_096;
/// Versions in order, those removed in between included.
const MAX_IN_ORDER: usize = 2 * MAX_ARCHIVED;

/// Archived versions.
///
/// A hash with a secret seed takes the place of each identity: thousands of names would scatter
/// over memory that the process could otherwise give back.
#[derive(Debug)]
pub(in crate::protocol) struct Archive {
    /// The oldest first. It may contain removed ones.
    in_order: VecDeque<Archived>,
    /// The number of the oldest; the others are numbered in order.
    oldest: u32,
    /// The numbers of the versions that are not removed, by name.
    numbers: HashTable<u32>,
    hasher: FixedState,
}

#[derive(Debug, Clone, Copy)]
struct Archived {
    name: u64,
    stamp: Stamp,
    incarnation: Incarnation,
}

impl Archive {
    pub(in crate::protocol) fn new(seed: u64) -> Self {
        Self {
            in_order: VecDeque::new(),
            oldest: 0,
            numbers: HashTable::new(),
            hasher: FixedState::with_seed(seed),
        }
    }

    pub(in crate::protocol) fn insert(&mut self, identity: &str, stamp: Stamp, incarnation: Incarnation) {
        self.remove(identity);
        if self.in_order.len() >= MAX_IN_ORDER {
            self.drop_removed();
        }
        while self.len() >= MAX_ARCHIVED {
            self.take_oldest();
        }
        self.push(Archived { name: self.hasher.hash_one(identity), stamp, incarnation });
    }

    fn push(&mut self, archived: Archived) {
        let Self { in_order, oldest, numbers, .. } = self;
        let number = oldest.wrapping_add(u32::try_from(in_order.len()).unwrap_or(u32::MAX));
        in_order.push_back(archived);
        numbers.insert_unique(archived.name, number, |number| {
            at(in_order, *oldest, *number).map_or(0, |archived| archived.name)
        });
    }

    /// Takes the oldest version, and returns it unless it was removed.
    fn take_oldest(&mut self) -> Option<Archived> {
        let archived = self.in_order.pop_front()?;
        let oldest = self.oldest;
        self.oldest = oldest.wrapping_add(1);
        self.numbers.find_entry(archived.name, |number| *number == oldest).ok()?.remove();
        Some(archived)
    }

    fn drop_removed(&mut self) {
        for _ in 0..self.in_order.len() {
            if let Some(archived) = self.take_oldest() {
                self.push(archived);
            }
        }
    }

    fn get(&self, identity: &str) -> Option<Archived> {
        if self.numbers.is_empty() {
            return None;
        }
        let name = self.hasher.hash_one(identity);
        let archived = |number: &u32| at(&self.in_order, self.oldest, *number);
        let found = self.numbers.find(name, |number| archived(number).is_some_and(|it| it.name == name))?;
        archived(found).copied()
    }

    /// The stamp that a claim about this server must beat, if it is archived and not too far ahead.
    pub(in crate::protocol) fn stamp_of(&self, identity: &str, now: Now) -> Option<Stamp> {
        let stamp = self.get(identity).map(|archived| archived.stamp);
        stamp.filter(|stamp| !stamp.is_far_ahead(now))
    }

    pub(in crate::protocol) fn incarnation_of(&self, identity: &str) -> Incarnation {
        self.get(identity).map_or(Incarnation::NONE, |archived| archived.incarnation)
    }

    /// Whether a native server's claim is not newer than the archived version.
    pub(in crate::protocol) fn blocks(&self, identity: &str, claim: &Claim, now: Now) -> bool {
        self.get(identity).is_some_and(|Archived { stamp, incarnation, .. }| {
            if claim.incarnation == Incarnation::NONE || incarnation == Incarnation::NONE {
                claim.last_update <= stamp && !stamp.is_far_ahead(now)
            } else {
                claim.incarnation <= incarnation.counted(now)
            }
        })
    }

    /// The archived claim to send to a native server whose own claim is older, so that it refutes
    /// it.
    pub(in crate::protocol) fn objection_to(
        &self,
        identity: &str,
        own_claim: &Claim,
        now: Now,
    ) -> Option<Claim> {
        let Archived { stamp: last_update, incarnation, .. } = self.get(identity)?;
        let is_outdated = own_claim.incarnation != Incarnation::NONE && self.blocks(identity, own_claim, now);
        let age = u32::try_from(TOMBSTONE_LIFETIME.as_secs()).unwrap_or(u32::MAX);
        (is_outdated && incarnation != Incarnation::NONE).then(|| Claim {
            status: Status::Dead,
            incarnation,
            last_update,
            age,
            ..own_claim.clone()
        })
    }

    pub(in crate::protocol) fn len(&self) -> usize {
        self.numbers.len()
    }

    pub(in crate::protocol) fn remove(&mut self, identity: &str) {
        let Self { in_order, oldest, numbers, hasher } = self;
        if numbers.is_empty() {
            return;
        }
        let name = hasher.hash_one(identity);
        let is_it = |number: &u32| at(in_order, *oldest, *number).is_some_and(|it| it.name == name);
        if let Ok(found) = numbers.find_entry(name, is_it) {
            found.remove();
        }
    }
}

/// The version with this number.
fn at(in_order: &VecDeque<Archived>, oldest: u32, number: u32) -> Option<&Archived> {
    in_order.get(number.wrapping_sub(oldest) as usize)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use indexmap::IndexMap;

    use super::*;

    #[test]
    fn it_keeps_the_latest_of_those_not_removed() {
        let now = Now { tick: Default::default(), wall: Stamp(100_000) };
        let (mut archive, mut expected) = (Archive::new(7), IndexMap::<Arc<str>, Stamp>::new());
        archive.oldest = u32::MAX - 1_000;
        for number in 0..30_000u64 {
            let identity: Arc<str> = format!("http://server-{}/", number * number % 9_001).into();
            expected.shift_remove(&identity);
            if number % 3 == 0 {
                archive.remove(&identity);
                continue;
            }
            archive.insert(&identity, Stamp(number), Incarnation::NONE);
            if expected.len() == MAX_ARCHIVED {
                expected.shift_remove_index(0);
            }
            expected.insert(identity, Stamp(number));
            assert!(archive.in_order.len() <= MAX_IN_ORDER && archive.len() == expected.len());
        }
        for number in 0..9_001 {
            let identity = format!("http://server-{number}/");
            assert_eq!(archive.stamp_of(&identity, now), expected.get(&*identity).copied());
        }
    }
}
