//! The suspicions against members, and when each is to be reviewed.
//!
//! A partition makes half of all members suspects at once, so each takes only a few bytes, in
//! memory that is given back when the suspicions have ended.

use std::ops::Deref;
use std::sync::Arc;

use crate::protocol::members::member::Member;
use crate::protocol::members::member::suspicion::Suspicion;
use crate::protocol::members::roster::Roster;
use crate::protocol::members::roster::names::key_map::KeyMap;
use crate::protocol::types::accusers::Accusers;
use crate::protocol::types::blocks::PER_BLOCK;
use crate::protocol::types::claim::Claim;
use crate::protocol::types::ids::NameKey;
use crate::protocol::types::status::Status;
use crate::protocol::types::time::{Now, Tick};

/// The suspicions by member. A review stays due when its suspicion has ended.
#[derive(Debug, Clone, Default)]
pub(super) struct Suspicions {
    held: KeyMap<Held>,
    /// For each block of `held`, a time before which no review in it is due.
    earliest: Vec<Tick>,
    reviews: usize,
}

/// A suspicion and its review, in 24 bytes.
#[derive(Debug, Clone, Copy, Default)]
struct Held {
    since: ShortTick,
    review_at: ShortTick,
    accusers: Accusers,
}

/// A tick in 48 bits, or none.
#[derive(Debug, Clone, Copy, Default)]
struct ShortTick([u16; 3]);

impl From<Option<Tick>> for ShortTick {
    fn from(tick: Option<Tick>) -> Self {
        // No tick is kept as 0, and each tick as the next number.
        let number = tick.map_or(0, |tick| tick.0.saturating_add(1).min((1 << 48) - 1));
        Self([number, number >> 16, number >> 32].map(|part| part as u16))
    }
}

impl ShortTick {
    fn tick(self) -> Option<Tick> {
        let [low, middle, high] = self.0.map(u64::from);
        (low | middle << 16 | high << 32).checked_sub(1).map(Tick)
    }
}

impl Held {
    fn suspicion(&self) -> Option<Suspicion> {
        Some(Suspicion { since: self.since.tick()?, accusers: self.accusers })
    }

    fn is_empty(&self) -> bool {
        self.since.tick().is_none() && self.review_at.tick().is_none()
    }

    fn set_suspicion(&mut self, suspicion: Option<Suspicion>) {
        self.since = suspicion.map(|suspicion| suspicion.since).into();
        self.accusers = suspicion.map(|suspicion| suspicion.accusers).unwrap_or_default();
    }
}

impl Suspicions {
    fn get(&self, key: NameKey) -> Option<Suspicion> {
        self.held.get(key)?.suspicion()
    }

    fn set(&mut self, key: NameKey, suspicion: Option<Suspicion>) {
        self.change(key, |held| held.set_suspicion(suspicion));
    }

    fn set_review(&mut self, key: NameKey, at: Option<Tick>) {
        self.change(key, |held| held.review_at = at.into());
    }

    fn forget(&mut self, key: NameKey) {
        self.change(key, |held| *held = Held::default());
    }

    /// Changes what is held against a member. Nothing is kept of one without suspicion and review.
    fn change(&mut self, key: NameKey, change: impl FnOnce(&mut Held)) {
        let place = self.held.place_of(key);
        let mut held =
            place.and_then(|place| self.held.at(place)).map_or_else(Held::default, |(_, held)| *held);
        let had_review = held.review_at.tick().is_some();
        change(&mut held);
        self.reviews += usize::from(held.review_at.tick().is_some());
        self.reviews -= usize::from(had_review);
        match place {
            Some(place) if held.is_empty() => self.remove(place),
            Some(place) => {
                self.held.set_at(place, held);
                self.await_review(place);
            }
            None if held.is_empty() => {}
            None => {
                self.held.insert(key, held);
                self.await_review(self.held.len() - 1);
            }
        }
    }

    fn remove(&mut self, place: usize) {
        self.held.swap_remove(place);
        self.earliest.truncate(self.held.len().div_ceil(PER_BLOCK));
        self.await_review(place);
    }

    /// Records when the review in this place is due.
    fn await_review(&mut self, place: usize) {
        let Some((_, held)) = self.held.at(place) else { return };
        let at = held.review_at.tick().unwrap_or(Tick::NEVER);
        match self.earliest.get_mut(place / PER_BLOCK) {
            Some(earliest) => *earliest = at.min(*earliest),
            None => self.earliest.push(at),
        }
    }

    /// The earliest review.
    fn next(&mut self) -> Option<Tick> {
        loop {
            let (block, earliest) = self.earliest.iter_mut().enumerate().min_by_key(|(_, at)| **at)?;
            let exact = reviews_in(&self.held, block).map(|(at, _)| at).min().unwrap_or(Tick::NEVER);
            if exact == *earliest {
                return (exact != Tick::NEVER).then_some(exact);
            }
            *earliest = exact;
        }
    }

    /// Removes and returns the reviews that are due, in any order.
    fn take_due(&mut self, now: Tick) -> Vec<(Tick, NameKey)> {
        let mut due = Vec::new();
        for (block, earliest) in self.earliest.iter().enumerate() {
            if *earliest <= now {
                due.extend(reviews_in(&self.held, block).filter(|(at, _)| *at <= now));
            }
        }
        for (_, key) in &due {
            self.set_review(*key, None);
        }
        due
    }
}

fn reviews_in(held: &KeyMap<Held>, block: usize) -> impl Iterator<Item = (Tick, NameKey)> {
    held.block(block).iter().filter_map(|(key, held)| Some((held.review_at.tick()?, *key)))
}

impl Roster {
    /// Suspects a member, which these servers have found silent.
    pub(in crate::protocol) fn begin_suspicion_at(&mut self, slot: usize, accusers: Accusers, now: Now) {
        self.transition_at(slot, Status::Suspect, now);
        let key = self.key_at(slot);
        if let Some(member) = self.at_mut(slot) {
            member.set_accused(true);
            self.suspicions.set(key, Some(Suspicion { since: now.tick, accusers }));
        }
    }

    /// The suspicion against a member, while it is a suspect.
    pub(in crate::protocol) fn suspicion_of(&self, identity: &str) -> Option<Suspicion> {
        self.suspicion_at(self.slot_of(identity)?)
    }

    fn suspicion_at(&self, slot: usize) -> Option<Suspicion> {
        let is_accused = self.members.member_at(slot)?.is_accused();
        if is_accused { self.suspicions.get(self.key_at(slot)) } else { None }
    }

    /// The servers that accuse the member in a slot.
    #[inline]
    pub(in crate::protocol) fn accusers_at(&self, slot: usize) -> Accusers {
        self.suspicion_at(slot).map(|suspicion| suspicion.accusers).unwrap_or_default()
    }

    /// Adds accusers of the suspect in a slot, and returns whether that shortens its suspicion.
    pub(in crate::protocol) fn accuse_at(&mut self, slot: usize, accusers: &Accusers) -> bool {
        let Some(mut suspicion) = self.suspicion_at(slot) else { return false };
        let is_shorter = suspicion.add_accusers(accusers);
        self.suspicions.set(self.key_at(slot), Some(suspicion));
        is_shorter
    }

    /// Ends the suspicion against a member.
    pub(in crate::protocol) fn clear_suspicion(&mut self, identity: &str) {
        if let Some(slot) = self.slot_of(identity) {
            self.clear_suspicion_at(slot);
        }
    }

    /// Ends the suspicion against the member in a slot.
    pub(in crate::protocol) fn clear_suspicion_at(&mut self, slot: usize) {
        if !self.members.member_at(slot).is_some_and(Member::is_accused) {
            return;
        }
        self.suspicions.set(self.key_at(slot), None);
        if let Some(member) = self.at_mut(slot) {
            member.set_accused(false);
        }
    }

    /// Forgets the suspicion against a member that is being removed.
    pub(super) fn forget_suspicion(&mut self, slot: usize) {
        self.clear_suspicion_at(slot);
        if !self.suspicions.held.is_empty() {
            self.suspicions.forget(self.key_at(slot));
        }
    }

    /// What is held about a member, as a claim for native servers.
    pub(in crate::protocol) fn claim(
        &self,
        identity: impl Into<Arc<str>> + Deref<Target = str>,
        member: &Member,
        now: Now,
    ) -> Claim {
        let suspicion = if member.is_accused() { self.suspicions.get(self.key_of(&identity)) } else { None };
        let accusers = suspicion.map(|suspicion| suspicion.accusers).unwrap_or_default();
        member.claim(identity, accusers, now)
    }

    /// Sets when the suspicion of a member is to be reviewed. Nobody is shown such a time, so that
    /// it counts as no change.
    pub(in crate::protocol) fn set_review(&mut self, identity: &str, at: Tick) {
        if let Some(slot) = self.slot_of(identity) {
            self.suspicions.set_review(self.key_at(slot), Some(at));
        }
    }

    /// The earliest review of a suspicion.
    pub(in crate::protocol) fn next_review(&mut self) -> Option<Tick> {
        self.suspicions.next()
    }

    /// The number of reviews to come.
    pub(in crate::protocol) fn review_count(&self) -> usize {
        self.suspicions.reviews
    }

    /// Removes and returns the suspects whose timeout has passed, the earliest first; those of one
    /// time in the order of their names.
    pub(in crate::protocol) fn take_due_suspects(&mut self, now: Tick) -> Vec<Arc<str>> {
        let reviews = self.suspicions.take_due(now);
        let name = |(at, key)| Some((at, self.name_of(key)?));
        let mut due: Vec<(Tick, Arc<str>)> = reviews.into_iter().filter_map(name).collect();
        due.sort_unstable();
        due.into_iter().map(|(_, identity)| identity).collect()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use super::*;

    #[test]
    fn a_suspicion_is_small() {
        assert!(size_of::<(NameKey, Held)>() <= 32);
    }

    #[test]
    fn a_short_tick_is_exact() {
        for tick in [None, Some(Tick(0)), Some(Tick(65_535)), Some(Tick(5_000_000_000_123))] {
            assert_eq!(ShortTick::from(tick).tick(), tick);
        }
    }

    #[test]
    fn reviews_are_taken_when_they_are_due() {
        let (mut suspicions, mut expected) = (Suspicions::default(), BTreeMap::new());
        // Spread over the hash index as names are.
        let key = |number: u64| NameKey(number.wrapping_mul(0x9e37_79b9_7f4a_7c15));
        let suspicion = |number| Suspicion { since: Tick(number), accusers: Accusers::default() };
        for step in 0..3_000_u64 {
            let (number, at) = (step * 7 % 700, Tick(step * 37 % 5_000));
            suspicions.set(key(number), Some(suspicion(step)));
            suspicions.set_review(key(number), Some(at));
            expected.insert(key(number), at);
            if step % 3 == 0 {
                suspicions.set(key(step % 700), None);
            }
            if step % 5 == 0 {
                suspicions.forget(key(step * 3 % 700));
                expected.remove(&key(step * 3 % 700));
            }
            if step % 100 == 0 {
                let now = Tick(step);
                let due: BTreeSet<_> = suspicions.take_due(now).into_iter().collect();
                let is_due = |(key, at): (&NameKey, &Tick)| (*at <= now).then_some((*at, *key));
                assert_eq!(due, expected.iter().filter_map(is_due).collect());
                expected.retain(|_, at| *at > now);
            }
            assert_eq!(suspicions.next(), expected.values().min().copied());
            assert_eq!(suspicions.reviews, expected.len());
        }
        (0..700).for_each(|number| suspicions.set(key(number), None));
        suspicions.take_due(Tick(5_000));
        assert!(suspicions.held.is_empty() && suspicions.earliest.is_empty());
    }
}
