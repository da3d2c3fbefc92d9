//! The order of verifications: accusations first, then hearsay in random order, at a bounded rate.

use std::sync::Arc;
use std::time::Duration;

use foldhash::fast::FixedState;
use indexmap::IndexSet;
use rand::RngExt;
use rand::rngs::Xoshiro256PlusPlus;

use crate::protocol::context::deadlines::Deadlines;
use crate::protocol::members::roster::Roster;
use crate::protocol::members::roster::names::keys::KeySet;
use crate::protocol::types::time::Tick;

/// Pause between the starts of two verifications: ten a second.
const VERIFICATION_INTERVAL: Duration = Duration::from_millis(100);
/// Verifications in flight at once.
pub(in crate::protocol) const MAX_VERIFICATIONS: usize = 4;

/// The priority of a member in the queue.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::protocol) enum Priority {
    /// Only an answer settles whether the member is online.
    Accused,
    /// Hearsay was accepted, and is verified later.
    Hearsay,
}

/// Whether a further request may be sent now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::protocol) enum Capacity {
    Free,
    Exhausted,
}

#[derive(Debug, Default)]
pub(in crate::protocol) struct VerificationQueue {
    /// In the order of arrival.
    accused: IndexSet<Arc<str>, FixedState>,
    /// Possibly all members.
    hearsay: KeySet,
    waiting: Deadlines,
    next_slot: Tick,
}

impl VerificationQueue {
    /// Queues a member. It may stay queued after its check was closed, so the caller of `take_next`
    /// must recheck it.
    pub(in crate::protocol) fn push(&mut self, roster: &Roster, identity: Arc<str>, priority: Priority) {
        match priority {
            Priority::Accused => {
                self.forget_hearsay(roster, &identity);
                self.accused.insert(identity);
            }
            Priority::Hearsay if self.accused.contains(&identity) => {}
            Priority::Hearsay => {
                self.hearsay.insert(roster.key_of(&identity));
            }
        }
    }

    pub(in crate::protocol) fn wait(&mut self, identity: &Arc<str>, until: Tick) {
        self.waiting.set(identity, until);
    }

    /// Removes a forgotten member.
    pub(in crate::protocol) fn forget(&mut self, roster: &Roster, identity: &Arc<str>) {
        self.accused.shift_remove(identity);
        self.forget_hearsay(roster, identity);
        self.waiting.forget(identity);
    }

    fn forget_hearsay(&mut self, roster: &Roster, identity: &str) {
        if !self.hearsay.is_empty() {
            self.hearsay.remove(roster.key_of(identity));
        }
    }

    /// Returns the number of queued members, and of those that wait for another try.
    pub(in crate::protocol) fn lengths(&self) -> [usize; 2] {
        [self.accused.len() + self.hearsay.len(), self.waiting.len()]
    }

    /// Removes and returns the members whose pause has ended.
    pub(in crate::protocol) fn take_due(&mut self, now: Tick) -> Vec<Arc<str>> {
        self.waiting.take_due(now)
    }

    /// Removes and returns the next member to ask, if the rate limit allows.
    pub(in crate::protocol) fn take_next(
        &mut self,
        roster: &Roster,
        now: Tick,
        rng: &mut Xoshiro256PlusPlus,
    ) -> Option<Arc<str>> {
        if now < self.next_slot {
            return None;
        }
        self.accused.shift_remove_index(0).or_else(|| {
            loop {
                let last = self.hearsay.len().checked_sub(1)?;
                let key = self.hearsay.take(rng.random_range(0..=last))?;
                // Members that are removed are forgotten here too.
                if let Some(identity) = roster.name_of(key) {
                    return Some(identity);
                }
            }
        })
    }

    pub(in crate::protocol) fn spend_slot(&mut self, now: Tick) {
        self.next_slot = now + VERIFICATION_INTERVAL;
    }

    /// Returns the time of the next work. Asks for the capacity, which takes a look at all requests
    /// in flight, only if a member is queued.
    pub(in crate::protocol) fn next_wake(&self, capacity: impl FnOnce() -> Capacity) -> Option<Tick> {
        let is_queued = !(self.accused.is_empty() && self.hearsay.is_empty());
        let slot = (is_queued && capacity() == Capacity::Free).then_some(self.next_slot);
        slot.into_iter().chain(self.waiting.next()).min()
    }
}
